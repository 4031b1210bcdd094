import java.io.IOException;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Writes the transposition of squares of as many rows of 32-bit elements as a vector has lanes, in registers: halves, quarters
 * and so on change places, each pair of rows by two selections of lanes from both.
 */
final class SquareKernels {

    private SquareKernels() {}

    static void write(Path root) throws IOException {
        for (int bits : new int[] {128, 256, 512}) {
            MicroKernels.write(root, "Squares" + bits, squares(bits, bits / 32));
        }
        MicroKernels.write(root, "Squares", dispatcher());
    }

    private enum Form {
        PRODUCTS("products", "{@code sums[so + i] = Σ} of row i times a[ao + k], over so many squares, terms in order."),
        HALF_PRODUCTS("halfProducts", "As products, of two bfloat16 terms an element."),
        PANEL("panel", "Column after column of one square, {@code width} elements apart; rows behind the last one are like it.");

        final String name;
        final String doc;

        Form(String name, String doc) {
            this.name = name;
            this.doc = doc;
        }

        String parameters() {
            return "(MemorySegment w, long at, long stride, " + switch (this) {
                case PRODUCTS, HALF_PRODUCTS -> "int squares, float[] a, int ao, float[] sums, int so)";
                case PANEL -> "int last, float[] to, int o, int width)";
            };
        }

        String arguments() {
            return parameters().replaceAll("MemorySegment |long |int |float\\[\\] ", "");
        }
    }

    private static String squares(int bits, int lanes) {
        StringBuilder s = new StringBuilder();
        s.append("import java.lang.foreign.MemorySegment;\nimport jdk.incubator.vector.FloatVector;\n");
        s.append("import jdk.incubator.vector.IntVector;\nimport jdk.incubator.vector.Vector;\n");
        s.append("import jdk.incubator.vector.VectorOperators;\nimport jdk.incubator.vector.VectorSpecies;\n\n");
        s.append("/** Squares of ").append(lanes).append(" rows of ").append(bits).append(" bits. */\n");
        s.append("final class Squares").append(bits).append(" {\n");
        s.append("    private static final VectorSpecies<Float> S = FloatVector.SPECIES_").append(bits).append(";\n");
        s.append("    private static final VectorSpecies<Integer> I = IntVector.SPECIES_").append(bits).append(";\n");
        s.append("    /** As in the tiles: what a loop carries is cast to it. */\n");
        s.append("    private static final Class<? extends Vector<Float>> TYPE = S.vectorType();\n");
        for (int size = lanes / 2; size > 0; size /= 2) {
            int by = size;
            s.append("    private static final int[] LOW_%d = {%s};\n".formatted(size, lanes(lanes, lane ->
                    (lane & by) == 0 ? lane : lanes + (lane ^ by))));
            s.append("    private static final int[] HIGH_%d = {%s};\n".formatted(size, lanes(lanes, lane ->
                    (lane & by) == 0 ? lane ^ by : lanes + lane)));
        }
        s.append("\n    private Squares").append(bits).append("() {}\n");
        for (Form form : Form.values()) {
            kernel(s, form, lanes);
        }
        return s.append("}\n").toString();
    }

    private static String lanes(int lanes, java.util.function.IntUnaryOperator from) {
        return IntStream.range(0, lanes).map(from).mapToObj(Integer::toString).collect(Collectors.joining(", "));
    }

    private static void kernel(StringBuilder s, Form form, int lanes) {
        s.append("\n    /** ").append(form.doc).append(" */\n    static void ").append(form.name).append(form.parameters())
                .append(" {\n");
        for (int size = lanes / 2; size > 0; size /= 2) {
            s.append("        IntVector l%1$d = IntVector.fromArray(I, LOW_%1$d, 0);\n".formatted(size));
            s.append("        IntVector h%1$d = IntVector.fromArray(I, HIGH_%1$d, 0);\n".formatted(size));
        }
        boolean loops = form != Form.PANEL;
        int terms = form == Form.HALF_PRODUCTS ? 2 * lanes : lanes;
        String indent = loops ? "            " : "        ";
        if (loops) {
            s.append("        FloatVector s = FloatVector.zero(S);\n");
            s.append("        for (int n = 0; n < squares; n++, at += %d, ao += %d) {\n".formatted(4 * lanes, terms));
        }
        for (int row = 0; row < lanes; row++) {
            s.append(indent).append("IntVector v%1$d = IntVector.fromMemorySegment(I, w, at + %2$s * stride, Lanes.ORDER);\n"
                    .formatted(row, form == Form.PANEL ? "Math.min(%d, last)".formatted(row) : row));
        }
        s.append(indent).append("IntVector t;\n");
        for (int size = lanes / 2; size > 0; size /= 2) {
            for (int row = 0; row < lanes; row++) {
                if ((row & size) == 0) {
                    s.append(indent).append("t = l%3$d.selectFrom(v%1$d, v%2$d);\n".formatted(row, row + size, size));
                    s.append(indent).append("v%2$d = h%3$d.selectFrom(v%1$d, v%2$d);\n".formatted(row, row + size, size));
                    s.append(indent).append("v%d = t;\n".formatted(row));
                }
            }
        }
        for (int row = 0; row < lanes; row++) {
            s.append(indent).append(switch (form) {
                case PRODUCTS -> fma("v%d".formatted(row), row);
                case HALF_PRODUCTS -> fma("v%d.lanewise(VectorOperators.LSHL, 16)".formatted(row), 2 * row) + indent
                        + fma("v%d.and(0xFFFF0000)".formatted(row), 2 * row + 1);
                case PANEL -> "v%1$d.reinterpretAsFloats().intoArray(to, o + %1$d * width);\n".formatted(row);
            });
        }
        s.append(loops ? """
                    }
                    ((FloatVector) TYPE.cast(s)).intoArray(sums, so);
                }
            """ : "    }\n");
    }

    private static String fma(String weights, int term) {
        return "s = %s.reinterpretAsFloats().fma(FloatVector.broadcast(S, a[ao + %d]), s);\n".formatted(weights, term);
    }

    /** The squares of the chosen width; the conditions are constants to the compiler. */
    private static String dispatcher() {
        StringBuilder s = new StringBuilder();
        s.append("import java.lang.foreign.MemorySegment;\n\n");
        s.append("/** Squares of the chosen vector width: LANES rows, {@code stride} bytes apart from byte {@code at} on. */\n");
        s.append("final class Squares {\n    private Squares() {}\n");
        for (Form form : Form.values()) {
            s.append("\n    /** ").append(form.doc).append(" */\n    static void ").append(form.name).append(form.parameters());
            s.append(" {\n        if (Lanes.BITS == 512) {\n            Squares512.").append(form.name).append(form.arguments());
            s.append(";\n        } else if (Lanes.BITS == 256) {\n            Squares256.").append(form.name)
                    .append(form.arguments());
            s.append(";\n        } else {\n            Squares128.").append(form.name).append(form.arguments())
                    .append(";\n        }\n    }\n");
        }
        return s.append("}\n").toString();
    }
}
