import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * Writes what a CEMA does with sums, states and coefficients in registers, for one vector of channels: products of some
 * stretches with powers of some rows or steps, the chain of states of some modes, a stretch's own response. Real and imaginary
 * parts are rows 2n and 2n + 1 of mode n; {@code #} is the number of a mode.
 */
final class CemaKernels {

    /** What a stretch gives to a chain and takes from it. */
    private record Chain(String name, String doc, String parameters, boolean weighted, boolean back, String in, String out) {}

    private static final List<Chain> CHAINS = List.of(
            new Chain("states", "{@code s ← q⊙s + v[b]}; each v[b] becomes the state before it.",
                    "float[] v, int vo", false, false, """
                    re = load(v, vo + at#);
                    im = load(v, vo + at# + VALUES);
                    """, """
                    sr#.intoArray(v, vo + at#);
                    si#.intoArray(v, vo + at# + VALUES);
                    """),
            new Chain("forward", "{@code s ← q⊙s + v[b]}; each v[b] becomes the conjugate of {@code c⊙s} before it.",
                    "float[] c, int co, float[] v", true, false, """
                    re = load(v, at#);
                    im = load(v, at# + VALUES);
                    """, """
                    cr#.mul(sr#).sub(ci#.mul(si#)).intoArray(v, at#);
                    nr#.mul(si#).sub(ci#.mul(sr#)).intoArray(v, at# + VALUES);
                    """),
            new Chain("back", "{@code s ← q̄⊙s + conj(c⊙g[b])} from the last stretch to the first; v[b] becomes the s before it.",
                    "float[] c, int co, float[] g, float[] v", true, true, """
                    a = load(g, at#);
                    b = load(g, at# + VALUES);
                    re = cr#.mul(a).sub(ci#.mul(b));
                    im = nr#.mul(b).sub(ci#.mul(a));
                    """, """
                    sr#.intoArray(v, at#);
                    si#.intoArray(v, at# + VALUES);
                    """));

    private CemaKernels() {}

    static void write(Path root) throws IOException {
        StringBuilder s = new StringBuilder("""
                import static dev.longspan.kernel.vector.CemaRows.ROW;
                import static dev.longspan.kernel.vector.CemaStretches.STRETCH;
                import static dev.longspan.kernel.vector.CemaStretches.VALUES;
                import static dev.longspan.kernel.vector.CemaTable.POWERS;
                import static dev.longspan.kernel.vector.Lanes.LANES;
                import static dev.longspan.kernel.vector.Lanes.SPECIES;

                import jdk.incubator.vector.FloatVector;

                /** A CEMA's stretches, values and coefficients in registers, laid out as {@link CemaStretches} says. */
                final class CemaTiles {
                    private CemaTiles() {}
                """);
        for (int[] tile : new int[][] {{4, 4}, {4, 2}, {1, 2}}) {
            project(s, "project", tile[0], tile[1], "+");
            project(s, "projectBack", tile[0], tile[1], "-");
        }
        for (int[] tile : new int[][] {{4, 4}, {4, 2}, {1, 1}}) {
            expand(s, tile[0], tile[1]);
        }
        for (Chain chain : CHAINS) {
            chain(s, chain, 2);
            chain(s, chain, 1);
        }
        respond(s, "respond", 16, "+");
        respond(s, "respondBack", 16, "-");
        s.append("""

                    private static FloatVector load(float[] a, int at) {
                        return FloatVector.fromArray(SPECIES, a, at);
                    }
                }
                """);
        MicroKernels.write(root, "CemaTiles", s.toString());
    }

    /** {@code to[r][b] = Σᵢ q[r][i]·x[b][i]} for rows r from {@code from} to {@code end − 1}, whole tiles of them; or of x[b][−i]. */
    private static void project(StringBuilder s, String name, int stretches, int rows, String sign) {
        s.append("\n    static void ").append(name).append(stretches).append('x').append(rows)
                .append("(int from, int end, int steps, float[] q, int qo, float[] x, int xo, float[] to, int at) {\n")
                .append("        for (int r = from; r < end; r += ").append(rows).append(") {\n");
        each(s, stretches, rows, "            FloatVector a%1$d%2$d = FloatVector.zero(SPECIES);\n");
        s.append("            for (int i = 0; i < steps; i++) {\n");
        for (int b = 0; b < stretches; b++) {
            s.append("                FloatVector x%1$d = load(x, xo + %1$d * STRETCH %2$s i * ROW);\n".formatted(b, sign));
        }
        for (int r = 0; r < rows; r++) {
            s.append("                FloatVector q%1$d = load(q, qo + (r + %1$d) * POWERS + i * LANES);\n".formatted(r));
            for (int b = 0; b < stretches; b++) {
                s.append("                a%1$d%2$d = q%2$d.fma(x%1$d, a%1$d%2$d);\n".formatted(b, r));
            }
        }
        s.append("            }\n");
        each(s, stretches, rows, "            a%1$d%2$d.intoArray(to, at + (r + %2$d) * VALUES + %1$d * LANES);\n");
        s.append("        }\n    }\n");
    }

    /** {@code y[b][t] += Σᵣ q[r][i]·v[r][b]}: i changes from step to step by {@code step}. */
    private static void expand(StringBuilder s, int stretches, int steps) {
        s.append("\n    static void expand").append(stretches).append('x').append(steps)
                .append("(int rows, float[] q, int qo, int step, float[] v, int vo, float[] y, int yo) {\n");
        for (int t = 1; t < steps; t++) {
            s.append("        int q%1$d = qo + %1$d * step;\n".formatted(t));
        }
        each(s, stretches, steps, "        FloatVector a%1$d%2$d = load(y, yo + %1$d * STRETCH + %2$d * ROW);\n");
        s.append("        for (int r = 0; r < rows; r++) {\n");
        for (int b = 0; b < stretches; b++) {
            s.append("            FloatVector v%1$d = load(v, vo + r * VALUES + %1$d * LANES);\n".formatted(b));
        }
        for (int t = 0; t < steps; t++) {
            s.append("            FloatVector p%d = load(q, %s + r * POWERS);\n".formatted(t, t == 0 ? "qo" : "q" + t));
            for (int b = 0; b < stretches; b++) {
                s.append("            a%1$d%2$d = p%2$d.fma(v%1$d, a%1$d%2$d);\n".formatted(b, t));
            }
        }
        s.append("        }\n");
        each(s, stretches, steps, "        a%1$d%2$d.intoArray(y, yo + %1$d * STRETCH + %2$d * ROW);\n");
        s.append("    }\n");
    }

    /** For modes n from {@code from} to {@code end − 1}, whole tiles of them. What is low comes first: behind the large terms it would be less than half a unit and lost. */
    private static void chain(StringBuilder s, Chain chain, int modes) {
        s.append("\n    /** ").append(chain.doc).append(" */\n    static void ").append(chain.name).append(modes)
                .append("(int from, int end, int count, float[] q, int qo, float[] low, int lo, ")
                .append(chain.parameters).append(", float[] s, int so) {\n")
                .append("        for (int n = from; n < end; n += ").append(modes).append(") {\n");
        String sign = chain.back ? ".neg()" : "";
        unroll(s, modes, """
                    FloatVector qr# = load(q, qo + 2 * (n + #) * POWERS);
                    FloatVector qi# = load(q, qo + (2 * (n + #) + 1) * POWERS)%1$s;
                    FloatVector lr# = load(low, lo + (n + #) * 2 * LANES);
                    FloatVector li# = load(low, lo + (n + #) * 2 * LANES + LANES)%1$s;
                    FloatVector sr# = load(s, so + (n + #) * 2 * LANES);
                    FloatVector si# = load(s, so + (n + #) * 2 * LANES + LANES);
                    FloatVector mq# = qi#.neg();
                    FloatVector ml# = li#.neg();
                """.formatted(sign).indent(4));
        if (chain.weighted) {
            unroll(s, modes, """
                        FloatVector cr# = load(c, co + (n + #) * 2 * LANES);
                        FloatVector ci# = load(c, co + (n + #) * 2 * LANES + LANES);
                        FloatVector nr# = cr#.neg();
                    """.indent(4));
        }
        s.append(chain.back ? "            for (int k = count - 1; k >= 0; k--) {\n" : "            for (int k = 0; k < count; k++) {\n");
        s.append("                FloatVector re;\n                FloatVector im;\n                FloatVector a;\n"
                + "                FloatVector b;\n");
        for (int m = 0; m < modes; m++) {
            s.append("                int at%d = 2 * (n + %d) * VALUES + k * LANES;\n".formatted(m, m));
        }
        unroll(s, modes, (chain.in + """
                re = ml#.fma(si#, lr#.fma(sr#, re));
                im = li#.fma(sr#, lr#.fma(si#, im));
                """ + chain.out + """
                re = mq#.fma(si#, qr#.mul(sr#)).add(re);
                si# = qi#.fma(sr#, qr#.mul(si#)).add(im);
                sr# = re;
                """).indent(16));
        s.append("            }\n");
        unroll(s, modes, """
                    sr#.intoArray(s, so + (n + #) * 2 * LANES);
                    si#.intoArray(s, so + (n + #) * 2 * LANES + LANES);
                """.indent(4));
        s.append("        }\n    }\n");
    }

    /** {@code y[b][t] (+)= Σᵢ k[i]·x[b][t + i]}, or both from the last step to the first. */
    private static void respond(StringBuilder s, String name, int steps, String sign) {
        s.append("\n    static void ").append(name).append(steps)
                .append("(int count, boolean add, float[] k, int ko, float[] x, float[] y, int at) {\n");
        for (int i = 0; i < steps; i++) {
            s.append("        FloatVector k%1$d = load(k, ko + %1$d * LANES);\n".formatted(i));
        }
        s.append("        for (int b = 0; b < count; b++) {\n");
        for (int i = 0; i < steps; i++) {
            s.append("            FloatVector x%1$d = load(x, at + b * STRETCH %2$s %1$d * ROW);\n".formatted(i, sign));
        }
        for (int t = 0; t < steps; t++) {
            s.append("            FloatVector y%1$d = add ? k0.fma(x%1$d, load(y, at + b * STRETCH %2$s %1$d * ROW)) : k0.mul(x%1$d);\n"
                    .formatted(t, sign));
        }
        for (int i = 1; i < steps; i++) {
            for (int t = 0; t < steps - i; t++) {
                s.append("            y%1$d = k%2$d.fma(x%3$d, y%1$d);\n".formatted(t, i, t + i));
            }
        }
        for (int t = 0; t < steps; t++) {
            s.append("            y%1$d.intoArray(y, at + b * STRETCH %2$s %1$d * ROW);\n".formatted(t, sign));
        }
        s.append("        }\n    }\n");
    }

    private static void each(StringBuilder s, int rows, int columns, String text) {
        for (int row = 0; row < rows; row++) {
            for (int column = 0; column < columns; column++) {
                s.append(text.formatted(row, column));
            }
        }
    }

    private static void unroll(StringBuilder s, int modes, String text) {
        for (int m = 0; m < modes; m++) {
            s.append(text.replace("#", Integer.toString(m)));
        }
    }
}
