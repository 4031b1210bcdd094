package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.LANES;
import static dev.longspan.kernel.vector.Lanes.ORDER;
import static dev.longspan.kernel.vector.Lanes.SPECIES;

import dev.longspan.kernel.vector.VectorGemm.Product;
import dev.longspan.parallel.Parallel;
import dev.longspan.parallel.Scratch;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/**
 * Products with few rows, as in decoding: the weights are read once and not packed. Each sum takes its terms in the
 * order
 * of the tiled product, so that the bits are the same.
 */
final class VectorGemv {

    /** Columns of a work item. */
    private static final int COLS = 256;
    /** Columns summed at once where the weights lie along the sums: independent chains that hide an FMA's latency. */
    private static final int CHAINS = 8;

    void gemm(Parallel parallel, Product p) {
        int depth = p.depth();
        int rows = (int) p.c().rows();
        parallel.forRanges(p.c().cols(), COLS, (from, to, scratch) -> {
            int cols = (int) (to - from);
            int padded = Math.ceilDiv(cols, Math.max(LANES, CHAINS)) * Math.max(LANES, CHAINS);
            float[] a = scratch.floats(0, rows * depth + LANES);
            float[] stage = scratch.floats(1, Packing.STAGE);
            for (int i = 0; i < rows; i++) {
                Packing.panels(p.a().memory(), p.a().offset() + i * p.a().rowStride(), p.a().rowStride(),
                        p.a().colStride(),
                        1, depth, 1, a, i * depth, stage);
            }
            float[] sums = scratch.floats(2, rows * padded);
            Arrays.fill(sums, 0, rows * padded, 0f);
            if (p.b().colStride() != 1) {
                across(p, from, cols, a, rows, sums, padded);
            } else {
                along(p, from, cols, a, rows, sums, padded, scratch);
            }
            for (int i = 0; i < rows; i++) {
                p.store(sums, i * padded, i, from, cols);
            }
        });
    }

    /** Columns are neighbours: add row after row of the weights, four at a time. */
    private static void across(Product p, long from, int cols, float[] a, int rows, float[] sums, int padded) {
        int depth = p.depth();
        long stride = p.b().colStride();
        int whole = Lanes.whole(cols);
        for (int i = 0; i < rows; i++) {
            int k = 0;
            for (; k < depth; k++) {
                FloatVector x = FloatVector.broadcast(SPECIES, a[i * depth + k]);
                long row = p.b().offset() + k * stride + from;
                int to = i * padded;
                for (int j = 0; j < whole; j += LANES) {
                    x.fma(FloatVector.fromMemorySegment(SPECIES, p.b().memory(), (row + j) * 4, ORDER),
                            FloatVector.fromArray(SPECIES, sums, to + j)).intoArray(sums, to + j);
                }
                if (whole < cols) {
                    x.fma(FloatVector.fromMemorySegment(SPECIES, p.b().memory(), (row + whole) * 4, ORDER,
                            Lanes.first(cols - whole)), FloatVector.fromArray(SPECIES, sums, to + whole))
                            .intoArray(sums, to + whole);
                }
            }
        }
    }

    /** Terms are neighbours: a scalar chain for each column, CHAINS of them side by side. */
    private static void along(Product p, long from, int cols, float[] a, int rows, float[] sums, int padded,
            Scratch scratch) {
        int depth = p.depth();
        float[] w = scratch.floats(3, CHAINS * depth);
        for (int j = 0; j < cols; j += CHAINS) {
            for (int x = 0; x < CHAINS; x++) {
                // Past the last column any weights do: their sums are not stored.
                long col = from + Math.min(j + x, cols - 1);
                Packing.load(p.b().memory(), p.b().offset() + col * p.b().rowStride(), depth, w, x * depth);
            }
            for (int i = 0; i < rows; i++) {
                chains(depth, a, i * depth, w, sums, i * padded + j);
            }
        }
    }

    private static void chains(int depth, float[] a, int ao, float[] w, float[] sums, int at) {
        float s0 = 0;
        float s1 = 0;
        float s2 = 0;
        float s3 = 0;
        float s4 = 0;
        float s5 = 0;
        float s6 = 0;
        float s7 = 0;
        for (int k = 0; k < depth; k++) {
            float x = a[ao + k];
            s0 = Math.fma(x, w[k], s0);
            s1 = Math.fma(x, w[depth + k], s1);
            s2 = Math.fma(x, w[2 * depth + k], s2);
            s3 = Math.fma(x, w[3 * depth + k], s3);
            s4 = Math.fma(x, w[4 * depth + k], s4);
            s5 = Math.fma(x, w[5 * depth + k], s5);
            s6 = Math.fma(x, w[6 * depth + k], s6);
            s7 = Math.fma(x, w[7 * depth + k], s7);
        }
        sums[at] = s0;
        sums[at + 1] = s1;
        sums[at + 2] = s2;
        sums[at + 3] = s3;
        sums[at + 4] = s4;
        sums[at + 5] = s5;
        sums[at + 6] = s6;
        sums[at + 7] = s7;
    }
}
