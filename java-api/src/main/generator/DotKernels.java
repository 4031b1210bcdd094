import java.io.IOException;
import java.nio.file.Path;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Writes the inner products of a row with weights read from memory, of float32 and of bfloat16 from one text. */
final class DotKernels {

    private static final int STREAMS = 4;

    private DotKernels() {}

    static void write(Path root) throws IOException {
        MicroKernels.write(root, "Dots", """
                import static dev.longspan.kernel.vector.Lanes.INTS;
                import static dev.longspan.kernel.vector.Lanes.LANES;
                import static dev.longspan.kernel.vector.Lanes.ORDER;
                import static dev.longspan.kernel.vector.Lanes.SPECIES;

                import java.lang.foreign.MemorySegment;
                import jdk.incubator.vector.FloatVector;
                import jdk.incubator.vector.IntVector;

                /**
                 * Inner products with weights that are read from memory, in STREAMS streams side by side. A stream's rows follow one
                 * another and are one loop: a loop a row costs hundreds of instructions at its ends, on which the CPU waits
                 * for memory with nothing asked for. The lanes of a row take their terms in chains, which are added up in order.
                 */
                final class Dots {

                    static final int STREAMS = %d;
                    /** Terms of a chain of all lanes. */
                    private static final int CHAIN = VectorGemm.CHAIN * LANES;

                    private Dots() {
                    }

                    /** Of n terms those that vectors of pairs take. */
                    static int whole(int n) {
                        return n / (2 * LANES) * (2 * LANES);
                    }
                %s%s
                    private static IntVector pairs(MemorySegment w, long at, int k) {
                        return IntVector.fromMemorySegment(INTS, w, at + k * 2L, ORDER);
                    }

                    private static FloatVector load(MemorySegment w, long at, int k) {
                        return FloatVector.fromMemorySegment(SPECIES, w, at + k * 4L, ORDER);
                    }

                    private static FloatVector load(float[] a, int at) {
                        return FloatVector.fromArray(SPECIES, a, at);
                    }
                }
                """.formatted(STREAMS, floats(), halves()));
    }

    private static String floats() {
        return kernel("floats", """
                Stream s holds {@code rows} rows of n weights from byte {@code at + s · apart} on. The lanes' sums of its row i
                     * with a[ao…] go to {@code lanes[(i · STREAMS + s) · LANES…]}. n is {@link #whole}, and not 0.""",
                "s%1$d = y.fma(load(w, at%1$d, t + LANES), x.fma(load(w, at%1$d, t), s%1$d));");
    }

    private static String halves() {
        return kernel("halves", "As {@link #floats}, of bfloat16 weights: the bits of the same weights in float32.",
                "IntVector p%1$d = pairs(w, at%1$d, t);\n"
                        + "            IntVector e%1$d = Lanes.even(p%1$d);\n            IntVector o%1$d = Lanes.odd(p%1$d);\n"
                        + "            s%1$d = y.fma(Lanes.last(e%1$d, o%1$d), x.fma(Lanes.first(e%1$d, o%1$d), s%1$d));");
    }

    private static String kernel(String name, String doc, String added) {
        return """

                    /**
                     * %s
                     */
                    static void %s(MemorySegment w, long at, long apart, float[] a, int ao, int n, int rows, float[] lanes) {
                %s%s        int end = ao + n;
                        int chain = ao + Math.min(CHAIN, n);
                        int o = 0;
                        int k = ao;
                        for (int t = 0; t < n * rows; t += 2 * LANES) {
                            FloatVector x = load(a, k);
                            FloatVector y = load(a, k + LANES);
                %s            k += 2 * LANES;
                            if (k == chain) {
                %s                if (k == end) {
                %s                    o += STREAMS * LANES;
                                    k = ao;
                                }
                                chain = k + Math.min(CHAIN, end - k);
                            }
                        }
                    }
                """.formatted(doc, name,
                each(8, s -> "long at%1$d = at + %1$d * apart;".formatted(s)),
                each(8, s -> "FloatVector s%1$d = FloatVector.zero(SPECIES);\n        FloatVector sum%1$d = s%1$d;".formatted(s)),
                each(12, s -> added.formatted(s)),
                each(16, s -> "sum%1$d = sum%1$d.add(s%1$d);\n                s%1$d = FloatVector.zero(SPECIES);".formatted(s)),
                each(20, s -> ("sum%1$d.intoArray(lanes, o + %1$d * LANES);\n"
                        + "                    sum%1$d = FloatVector.zero(SPECIES);").formatted(s)));
    }

    private static String each(int indent, IntFunction<String> line) {
        return IntStream.range(0, STREAMS).mapToObj(s -> " ".repeat(indent) + line.apply(s) + "\n").collect(Collectors.joining());
    }
}
