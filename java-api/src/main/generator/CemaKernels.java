import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * Writes the steps of a CEMA with the coefficients, states and sums of some modes in registers. A pass is the text of what
 * one mode does in one step, {@code #} its number. A table has groups of modes: two with the 32 registers of AVX-512, else
 * one; the way back takes a group, forward two.
 */
final class CemaKernels {

    /** Rows of a table that stay in registers, a vector a mode: loaded before the loop, and stored behind it if it changes them. */
    private record Rows(String names, String array, String at, boolean changes) {}

    private record Pass(String name, String doc, String parameters, int groups, List<Rows> rows, String derived, boolean back,
            String before, String mode, String after) {}

    private static final List<Pass> PASSES = List.of(
            new Pass("forward", "{@code s ← q⊙s + xₜ}, {@code yₜ += Σ Re(c⊙s)}, for two groups.",
                    "int from, int to, float[] k, int ko, float[] s, int so, float[] x, float[] y, int xo", 2,
                    List.of(new Rows("q w g c", "k", "ko", false), new Rows("r i", "s", "so", true)),
                    "FloatVector n# = w#.neg();", false, """
                    FloatVector in = load(x, xo + t * ROW);
                    FloatVector a = load(y, xo + t * ROW);
                    FloatVector b = FloatVector.zero(SPECIES);
                    FloatVector old;
                    """, """
                    old = r#;
                    r# = n#.fma(i#, q#.fma(r#, in));
                    i# = w#.fma(old, q#.mul(i#));
                    a = g#.fma(r#, a);
                    b = c#.fma(i#, b);
                    """, "a.add(b).intoArray(y, xo + t * ROW);\n"),
            new Pass("recompute", "Row from of s, the states before step {@code from}, to those after each step; "
                    + "{@code sums += Σ dyₜ·(Re sₜ, Im sₜ)}.",
                    "int from, int to, float[] k, int ko, float[] s, float[] x, float[] dy, int xo, float[] sums, int uo", 1,
                    List.of(new Rows("q w", "k", "ko", false), new Rows("r i", "s", "from * STATE", false),
                            new Rows("u v", "sums", "uo", true)),
                    "FloatVector n# = w#.neg();", false, """
                    FloatVector in = load(x, xo + t * ROW);
                    FloatVector d = load(dy, xo + t * ROW);
                    FloatVector old;
                    """, """
                    old = r#;
                    r# = n#.fma(i#, q#.fma(r#, in));
                    i# = w#.fma(old, q#.mul(i#));
                    u# = d.fma(r#, u#);
                    v# = d.fma(i#, v#);
                    r#.intoArray(s, (t + 1) * STATE + # * LANES);
                    i#.intoArray(s, (t + 1) * STATE + (MODES + #) * LANES);
                    """, ""),
            new Pass("backward", "From step {@code to − 1} back to {@code from}: {@code A = z + c̄·dyₜ}, {@code dxₜ += Re A}, "
                    + "{@code sums += A·s̄ₜ₋₁}, {@code z ← q̄·A}; both products with three multiplications.",
                    "int from, int to, float[] k, int ko, float[] s, float[] dy, float[] dx, int xo, float[] z, int zo, "
                    + "float[] sums, int uo", 1,
                    List.of(new Rows("q w g c", "k", "ko", false), new Rows("r i", "z", "zo", true),
                            new Rows("u v p", "sums", "uo", true)),
                    "FloatVector l# = w#.sub(q#);\nFloatVector n# = w#.add(q#).neg();", true, """
                    FloatVector d = load(dy, xo + t * ROW);
                    FloatVector sum = load(dx, xo + t * ROW);
                    FloatVector re;
                    FloatVector im;
                    FloatVector both;
                    FloatVector sr;
                    FloatVector si;
                    """, """
                    re = g#.fma(d, r#);
                    im = c#.fma(d, i#);
                    sum = sum.add(re);
                    both = re.add(im);
                    sr = load(s, t * STATE + # * LANES);
                    si = load(s, t * STATE + (MODES + #) * LANES);
                    u# = re.fma(sr, u#);
                    v# = im.fma(si, v#);
                    p# = both.fma(sr.sub(si), p#);
                    both = both.mul(q#);
                    r# = l#.fma(im, both);
                    i# = n#.fma(re, both);
                    """, "sum.intoArray(dx, xo + t * ROW);\n"));

    private CemaKernels() {}

    static void write(Path root) throws IOException {
        for (int modes : new int[] {1, 2}) {
            StringBuilder s = new StringBuilder();
            for (String constant : List.of("CemaSteps.ROW", "CemaTable.GROUP", "Lanes.LANES", "Lanes.SPECIES")) {
                s.append("import static ").append(MicroKernels.PACKAGE).append('.').append(constant).append(";\n");
            }
            s.append("\nimport jdk.incubator.vector.FloatVector;\n\n/** The steps of groups of ").append(modes)
                    .append(" modes of a vector of channels. */\nfinal class CemaSteps").append(modes).append(" {\n")
                    .append("    private static final int MODES = ").append(modes).append(";\n")
                    .append("    private static final int STATE = 2 * MODES * LANES;\n\n")
                    .append("    private CemaSteps").append(modes).append("() {}\n");
            for (Pass pass : PASSES) {
                method(s, pass, modes);
            }
            s.append("""

                        private static FloatVector load(float[] a, int at) {
                            return FloatVector.fromArray(SPECIES, a, at);
                        }
                    }
                    """);
            MicroKernels.write(root, "CemaSteps" + modes, s.toString());
        }
    }

    private static void method(StringBuilder s, Pass pass, int modes) {
        s.append("\n    /** ").append(pass.doc).append(" */\n    static void ").append(pass.name).append('(')
                .append(pass.parameters).append(") {\n");
        int all = pass.groups * modes;
        for (Rows rows : pass.rows) {
            String[] names = rows.names.split(" ");
            for (int row = 0; row < names.length; row++) {
                for (int m = 0; m < all; m++) {
                    s.append("        FloatVector %s%d = load(%s, %s);\n".formatted(names[row], m, rows.array,
                            place(rows, row, m, modes)));
                }
            }
        }
        unroll(s, "        ", pass.derived, all);
        s.append(pass.back ? "        for (int t = to - 1; t >= from; t--) {\n" : "        for (int t = from; t < to; t++) {\n");
        s.append(pass.before.indent(12));
        unroll(s, "            ", pass.mode, all);
        s.append(pass.after.indent(12)).append("        }\n");
        for (Rows rows : pass.rows) {
            String[] names = rows.names.split(" ");
            for (int row = 0; rows.changes && row < names.length; row++) {
                for (int m = 0; m < all; m++) {
                    s.append("        %s%d.intoArray(%s, %s);\n".formatted(names[row], m, rows.array,
                            place(rows, row, m, modes)));
                }
            }
        }
        s.append("    }\n");
    }

    /** Groups of coefficients lie GROUP floats apart, those of states STATE. */
    private static String place(Rows rows, int row, int mode, int modes) {
        return "%s + %d * %s + %d * LANES".formatted(rows.at, mode / modes, rows.array.equals("k") ? "GROUP" : "STATE",
                row * modes + mode % modes);
    }

    private static void unroll(StringBuilder s, String indent, String text, int modes) {
        for (int m = 0; m < modes; m++) {
            s.append(text.replace("#", Integer.toString(m)).indent(indent.length()));
        }
    }
}
