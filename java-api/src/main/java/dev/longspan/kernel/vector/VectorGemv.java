package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.LANES;
import static dev.longspan.kernel.vector.Lanes.ORDER;
import static dev.longspan.kernel.vector.Lanes.SPECIES;

import dev.longspan.kernel.vector.VectorGemm.Product;
import dev.longspan.parallel.Parallel;
import java.lang.foreign.MemorySegment;
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
            } else if (depth > 0) {
                along(p, from, cols, a, rows, sums, padded);
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
    private static void along(Product p, long from, int cols, float[] a, int rows, float[] sums, int padded) {
        int depth = p.depth();
        for (int j = 0; j < cols; j += CHAINS) {
            // Past the last column any weights do: their sums are not stored.
            MemorySegment w0 = column(p, from, cols, j);
            MemorySegment w1 = column(p, from, cols, j + 1);
            MemorySegment w2 = column(p, from, cols, j + 2);
            MemorySegment w3 = column(p, from, cols, j + 3);
            MemorySegment w4 = column(p, from, cols, j + 4);
            MemorySegment w5 = column(p, from, cols, j + 5);
            MemorySegment w6 = column(p, from, cols, j + 6);
            MemorySegment w7 = column(p, from, cols, j + 7);
            for (int i = 0; i < rows; i++) {
                chains(depth, a, i * depth, w0, w1, w2, w3, w4, w5, w6, w7, sums, i * padded + j);
            }
        }
    }

    private static MemorySegment column(Product p, long from, int cols, int j) {
        return Floats.range(p.b().memory(), p.b().offset() + (from + Math.min(j, cols - 1)) * p.b().rowStride(), p.depth());
    }

    /** Reads weights where they lie: each is used once for a row. */
    private static void chains(int depth, float[] a, int ao, MemorySegment w0, MemorySegment w1, MemorySegment w2,
            MemorySegment w3, MemorySegment w4, MemorySegment w5, MemorySegment w6, MemorySegment w7, float[] sums, int at) {
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
            s0 = Math.fma(x, Floats.get(w0, k), s0);
            s1 = Math.fma(x, Floats.get(w1, k), s1);
            s2 = Math.fma(x, Floats.get(w2, k), s2);
            s3 = Math.fma(x, Floats.get(w3, k), s3);
            s4 = Math.fma(x, Floats.get(w4, k), s4);
            s5 = Math.fma(x, Floats.get(w5, k), s5);
            s6 = Math.fma(x, Floats.get(w6, k), s6);
            s7 = Math.fma(x, Floats.get(w7, k), s7);
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
