package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.INTS;
import static dev.longspan.kernel.vector.Lanes.LANES;
import static dev.longspan.kernel.vector.Lanes.ORDER;
import static dev.longspan.kernel.vector.Lanes.SPECIES;
import static dev.longspan.kernel.vector.VectorGemm.CHAIN;

import dev.longspan.kernel.vector.VectorGemm.Matrix;
import dev.longspan.kernel.vector.VectorGemm.Product;
import dev.longspan.parallel.Parallel;
import dev.longspan.parallel.Scratch;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Products with few rows, as in decoding: the weights are read once and not packed, at memory's speed where columns are
 * neighbours. Each sum takes its terms in the order and the chains of the tiled product, so that the bits are the same.
 */
final class VectorGemv {

    /** Columns of a work item whose weights are transposed. */
    private static final int COLS = 256;
    /** Columns of a work item where they are neighbours: few make short runs of weights, many leave the cache. */
    private static final int LEAST_WIDE_COLS = 512;
    private static final int MOST_WIDE_COLS = 2048;
    /** Rows of weights in one go over the sums: of float32, and of bfloat16, where C2 boxes vectors of more. */
    private static final int TERMS = 8;
    private static final int HALF_TERMS = 4;
    /** Bytes of a square's row. */
    private static final long ROW_BYTES = 4L * LANES;

    void gemm(Parallel parallel, Product p) {
        int depth = p.depth();
        int rows = (int) p.c().rows();
        boolean byTerm = p.b().colStride() == 1;
        long width = byTerm ? COLS : wide(p.c().cols(), parallel.threads());
        parallel.forRanges(p.c().cols(), width, (from, to, scratch) -> {
            int cols = (int) (to - from);
            int padded = Math.ceilDiv(cols, LANES) * LANES;
            float[] a = scratch.floats(0, rows * depth + LANES);
            float[] stage = scratch.floats(1, Packing.STAGE);
            for (int i = 0; i < rows; i++) {
                long row = p.a().offset() + i * p.a().rowStride();
                if (p.a().colStride() == 1) {
                    Packing.load(p.a().memory(), p.a().half(), row, depth, a, i * depth);
                } else {
                    Packing.panels(p.a().memory(), p.a().half(), row, p.a().rowStride(), p.a().colStride(), 1, depth, 1, a,
                            i * depth, stage);
                }
            }
            float[] sums = scratch.floats(2, rows * padded);
            Arrays.fill(sums, 0, rows * padded, 0f);
            float[] totals = scratch.floats(3, rows * padded);
            Arrays.fill(totals, 0, rows * padded, 0f);
            if (byTerm) {
                along(p, from, cols, a, rows, sums, totals, padded, scratch);
            } else {
                across(p, from, cols, a, rows, sums, totals, padded, stage);
            }
            for (int i = 0; i < rows; i++) {
                p.store(totals, i * padded, i, from, cols);
            }
        });
    }

    /** A width for each of the threads; a sum's bits do not depend on it. */
    private static long wide(long cols, int threads) {
        return Math.clamp(Math.ceilDiv(cols, threads * 2L * LANES) * 2 * LANES, LEAST_WIDE_COLS, MOST_WIDE_COLS);
    }

    /** Adds the sums of a chain that is complete to the totals, the first of them as they are, and begins the next. */
    private static void end(boolean first, float[] sums, float[] totals, int at, int count) {
        for (int j = at; j < at + count; j += LANES) {
            FloatVector s = FloatVector.fromArray(SPECIES, sums, j);
            (first ? s : FloatVector.fromArray(SPECIES, totals, j).add(s)).intoArray(totals, j);
            FloatVector.zero(SPECIES).intoArray(sums, j);
        }
    }

    /** Columns are neighbours: their sums stay in a cache, and rows of the weights are added to them. */
    private static void across(Product p, long from, int cols, float[] a, int rows, float[] sums, float[] totals,
            int padded, float[] stage) {
        int depth = p.depth();
        boolean half = p.b().half();
        int bytes = half ? 2 : 4;
        long stride = p.b().colStride() * bytes;
        long first = (p.b().offset() + from * p.b().rowStride()) * bytes;
        int whole = half ? cols & -2 * LANES : Lanes.whole(cols);
        // Where one row follows the other they are one run; four at a time would be four short ones.
        int most = !half ? TERMS : cols == p.b().colStride() ? 1 : HALF_TERMS;
        for (int k = 0; k < depth;) {
            int terms = most <= depth - k ? most : 1;
            for (int i = 0; i < rows; i++) {
                add(p.b(), first + k * stride, stride, terms, a, i * depth + k, sums, i * padded, whole);
            }
            k += terms;
            if (k % CHAIN == 0 || k == depth) {
                for (int i = 0; i < rows; i++) {
                    end(k <= CHAIN, sums, totals, i * padded, whole);
                }
            }
        }
        for (int i = 0; i < rows; i++) {
            if (half) {
                interleave(totals, i * padded, whole, stage);
            }
            for (int j = whole; j < cols; j++) {
                float sum = 0;
                for (int k = 0; k < depth; k++) {
                    sum = Math.fma(a[i * depth + k],
                            Packing.get(p.b().memory(), half, (first + k * stride) / bytes + j), sum);
                    if ((k + 1) % CHAIN == 0 || k == depth - 1) {
                        totals[i * padded + j] = k < CHAIN ? sum : totals[i * padded + j] + sum;
                        sum = 0;
                    }
                }
            }
        }
    }

    private static void add(Matrix w, long row, long stride, int terms, float[] a, int ao, float[] sums, int to,
            int cols) {
        if (w.half() && terms == 1) {
            addHalfRow(w.memory(), row, a[ao], sums, to, cols);
        } else if (w.half()) {
            addHalfRows(w.memory(), row, stride, a, ao, sums, to, cols);
        } else if (terms == 1) {
            addRow(w.memory(), row, a[ao], sums, to, cols);
        } else {
            addRows(w.memory(), row, stride, a, ao, sums, to, cols);
        }
    }

    private static void addRow(MemorySegment w, long row, float factor, float[] sums, int to, int cols) {
        FloatVector x = FloatVector.broadcast(SPECIES, factor);
        for (int j = 0; j < cols; j += LANES) {
            FloatVector s = FloatVector.fromArray(SPECIES, sums, to + j);
            x.fma(FloatVector.fromMemorySegment(SPECIES, w, row + j * 4L, ORDER), s).intoArray(sums, to + j);
        }
    }

    private static void addRows(MemorySegment w, long row, long stride, float[] a, int ao, float[] sums, int to,
            int cols) {
        FloatVector a0 = FloatVector.broadcast(SPECIES, a[ao]);
        FloatVector a1 = FloatVector.broadcast(SPECIES, a[ao + 1]);
        FloatVector a2 = FloatVector.broadcast(SPECIES, a[ao + 2]);
        FloatVector a3 = FloatVector.broadcast(SPECIES, a[ao + 3]);
        FloatVector a4 = FloatVector.broadcast(SPECIES, a[ao + 4]);
        FloatVector a5 = FloatVector.broadcast(SPECIES, a[ao + 5]);
        FloatVector a6 = FloatVector.broadcast(SPECIES, a[ao + 6]);
        FloatVector a7 = FloatVector.broadcast(SPECIES, a[ao + 7]);
        for (int j = 0; j < cols; j += LANES) {
            long at = row + j * 4L;
            FloatVector s = FloatVector.fromArray(SPECIES, sums, to + j);
            s = a0.fma(FloatVector.fromMemorySegment(SPECIES, w, at, ORDER), s);
            s = a1.fma(FloatVector.fromMemorySegment(SPECIES, w, at + stride, ORDER), s);
            s = a2.fma(FloatVector.fromMemorySegment(SPECIES, w, at + 2 * stride, ORDER), s);
            s = a3.fma(FloatVector.fromMemorySegment(SPECIES, w, at + 3 * stride, ORDER), s);
            s = a4.fma(FloatVector.fromMemorySegment(SPECIES, w, at + 4 * stride, ORDER), s);
            s = a5.fma(FloatVector.fromMemorySegment(SPECIES, w, at + 5 * stride, ORDER), s);
            s = a6.fma(FloatVector.fromMemorySegment(SPECIES, w, at + 6 * stride, ORDER), s);
            s = a7.fma(FloatVector.fromMemorySegment(SPECIES, w, at + 7 * stride, ORDER), s);
            s.intoArray(sums, to + j);
        }
    }

    /** As {@link #addRow}; of two vectors of sums the first has the even columns. */
    private static void addHalfRow(MemorySegment w, long row, float factor, float[] sums, int to, int cols) {
        FloatVector x = FloatVector.broadcast(SPECIES, factor);
        for (int j = 0; j < cols; j += 2 * LANES) {
            IntVector pair = IntVector.fromMemorySegment(INTS, w, row + j * 2L, ORDER);
            x.fma(low(pair), FloatVector.fromArray(SPECIES, sums, to + j)).intoArray(sums, to + j);
            x.fma(high(pair), FloatVector.fromArray(SPECIES, sums, to + j + LANES)).intoArray(sums, to + j + LANES);
        }
    }

    /** As {@link #addHalfRow}. */
    private static void addHalfRows(MemorySegment w, long row, long stride, float[] a, int ao, float[] sums, int to,
            int cols) {
        FloatVector a0 = FloatVector.broadcast(SPECIES, a[ao]);
        FloatVector a1 = FloatVector.broadcast(SPECIES, a[ao + 1]);
        FloatVector a2 = FloatVector.broadcast(SPECIES, a[ao + 2]);
        FloatVector a3 = FloatVector.broadcast(SPECIES, a[ao + 3]);
        for (int j = 0; j < cols; j += 2 * LANES) {
            long at = row + j * 2L;
            IntVector w0 = IntVector.fromMemorySegment(INTS, w, at, ORDER);
            IntVector w1 = IntVector.fromMemorySegment(INTS, w, at + stride, ORDER);
            IntVector w2 = IntVector.fromMemorySegment(INTS, w, at + 2 * stride, ORDER);
            IntVector w3 = IntVector.fromMemorySegment(INTS, w, at + 3 * stride, ORDER);
            FloatVector even = a0.fma(low(w0), FloatVector.fromArray(SPECIES, sums, to + j));
            FloatVector odd = a0.fma(high(w0), FloatVector.fromArray(SPECIES, sums, to + j + LANES));
            even = a1.fma(low(w1), even);
            odd = a1.fma(high(w1), odd);
            even = a2.fma(low(w2), even);
            odd = a2.fma(high(w2), odd);
            a3.fma(low(w3), even).intoArray(sums, to + j);
            a3.fma(high(w3), odd).intoArray(sums, to + j + LANES);
        }
    }

    private static FloatVector low(IntVector pair) {
        return pair.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
    }

    private static FloatVector high(IntVector pair) {
        return pair.and(0xFFFF0000).reinterpretAsFloats();
    }

    /** Puts sums in order of which the first of two vectors has the even columns. */
    private static void interleave(float[] sums, int at, int cols, float[] stage) {
        for (int j = at; j < at + cols; j += 2 * LANES) {
            System.arraycopy(sums, j, stage, 0, 2 * LANES);
            for (int lane = 0; lane < LANES; lane++) {
                sums[j + 2 * lane] = stage[lane];
                sums[j + 2 * lane + 1] = stage[LANES + lane];
            }
        }
    }

    /** Terms are neighbours: squares of the weights are transposed, so that columns are. */
    private static void along(Product p, long from, int cols, float[] a, int rows, float[] sums, float[] totals,
            int padded, Scratch scratch) {
        int depth = p.depth();
        int bytes = p.b().half() ? 2 : 4;
        int square = 4 * LANES / bytes;
        MemorySegment turned = scratch.segment(0, ROW_BYTES * LANES);
        MemorySegment ragged = scratch.segment(1, ROW_BYTES * LANES);
        long stride = p.b().rowStride() * bytes;
        for (int j = 0; j < cols; j += LANES) {
            int columns = Math.min(LANES, cols - j);
            long first = (p.b().offset() + (from + j) * p.b().rowStride()) * bytes;
            int k = 0;
            if (rows == 1 && columns == LANES && depth >= CHAIN) {
                Arrays.fill(totals, j, j + LANES, -0f); // what changes no chain that is added, -0 neither
                if (p.b().half()) {
                    Squares.addHalves(p.b().memory(), first, stride, depth / CHAIN, CHAIN / square, a, 0, totals, j);
                } else {
                    Squares.add(p.b().memory(), first, stride, depth / CHAIN, CHAIN / square, a, 0, totals, j);
                }
                k = depth / CHAIN * CHAIN;
            }
            for (; k < depth; k += square) {
                int terms = Math.min(square, depth - k);
                if (columns == LANES && terms == square) {
                    Squares.transpose(p.b().memory(), first + (long) k * bytes, stride, turned);
                } else {
                    for (int column = 0; column < columns; column++) {
                        MemorySegment.copy(p.b().memory(), first + column * stride + (long) k * bytes, ragged,
                                column * ROW_BYTES, (long) terms * bytes);
                    }
                    Squares.transpose(ragged, 0, ROW_BYTES, turned);
                }
                for (int i = 0; i < rows; i++) {
                    if (p.b().half()) {
                        addHalves(turned, terms, a, i * depth + k, sums, i * padded + j);
                    } else {
                        add(turned, terms, a, i * depth + k, sums, i * padded + j);
                    }
                    if ((k + terms) % CHAIN == 0 || k + terms == depth) {
                        end(k < CHAIN, sums, totals, i * padded + j, LANES);
                    }
                }
            }
        }
    }

    /** Adds a term a row of the square to the sums of its columns. */
    private static void add(MemorySegment w, int terms, float[] a, int ao, float[] sums, int at) {
        FloatVector s = FloatVector.fromArray(SPECIES, sums, at);
        for (int k = 0; k < terms; k++) {
            s = FloatVector.fromMemorySegment(SPECIES, w, k * ROW_BYTES, ORDER).fma(
                    FloatVector.broadcast(SPECIES, a[ao + k]), s);
        }
        s.intoArray(sums, at);
    }

    /** As {@link #add} with two bfloat16 weights in an element, the lower one first. */
    private static void addHalves(MemorySegment w, int terms, float[] a, int ao, float[] sums, int at) {
        FloatVector s = FloatVector.fromArray(SPECIES, sums, at);
        int k = 0;
        for (; k < terms - 1; k += 2) {
            IntVector pair = IntVector.fromMemorySegment(INTS, w, k / 2 * ROW_BYTES, ORDER);
            s = low(pair).fma(FloatVector.broadcast(SPECIES, a[ao + k]), s);
            s = high(pair).fma(FloatVector.broadcast(SPECIES, a[ao + k + 1]), s);
        }
        if (k < terms) {
            IntVector pair = IntVector.fromMemorySegment(INTS, w, k / 2 * ROW_BYTES, ORDER);
            s = low(pair).fma(FloatVector.broadcast(SPECIES, a[ao + k]), s);
        }
        s.intoArray(sums, at);
    }
}
