package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.LANES;
import static dev.longspan.kernel.vector.Lanes.ORDER;
import static dev.longspan.kernel.vector.Lanes.SPECIES;
import static dev.longspan.kernel.vector.VectorGemm.CHAIN;

import dev.longspan.kernel.vector.VectorGemm.Product;
import dev.longspan.parallel.Parallel;
import dev.longspan.parallel.Scratch;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/**
 * Products with few rows, as in decoding: the weights are read once, where and as they lie, and not packed. Where columns are
 * neighbours each sum takes its terms in the order and the chains of the tiled product, so that the bits are the same.
 */
final class VectorGemv {

    /** Columns of a work item where terms are neighbours; least and most where columns are. */
    private static final int LEAST_COLS = 64;
    private static final int LEAST_WIDE_COLS = 512;
    private static final int MOST_COLS = 2048;
    /** Terms of a stream in one go: so many that its end does not count, or so few that the next row of a finds them cached. */
    private static final int RUN = 1 << 20;
    private static final int CACHED_RUN = 1 << 14;
    /** Rows of weights in one go over the sums. */
    private static final int TERMS = 8;

    void gemm(Parallel parallel, Product p) {
        int depth = p.depth();
        int rows = (int) p.c().rows();
        boolean byTerm = p.b().colStride() == 1;
        long width = wide(p.c().cols(), parallel.threads(), byTerm ? LEAST_COLS : LEAST_WIDE_COLS);
        parallel.forRanges(p.c().cols(), width, (from, to, scratch) -> {
            int cols = (int) (to - from);
            int padded = Math.ceilDiv(cols, LANES) * LANES;
            float[] a = scratch.floats(0, Math.toIntExact((long) rows * depth + LANES));
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
            float[] totals = scratch.floats(2, rows * padded);
            if (byTerm) {
                along(p, from, cols, a, rows, totals, padded, scratch);
            } else {
                Arrays.fill(totals, 0, rows * padded, 0f);
                float[] sums = scratch.floats(3, rows * padded);
                Arrays.fill(sums, 0, rows * padded, 0f);
                across(p, from, cols, a, rows, sums, totals, padded);
            }
            for (int i = 0; i < rows; i++) {
                p.store(totals, i * padded, i, from, cols);
                p.end(i, from, cols, scratch);
            }
        });
    }

    /** Terms are neighbours: columns of the weights in streams side by side, each of columns one behind the other. */
    private static void along(Product p, long from, int cols, float[] a, int rows, float[] totals, int padded, Scratch scratch) {
        int depth = p.depth();
        int each = cols / Dots.STREAMS;
        boolean flows = p.b().rowStride() == depth && Dots.whole(depth) == depth;
        int run = flows ? Math.clamp((rows == 1 ? RUN : CACHED_RUN) / depth, 1, Math.max(1, each)) : 1;
        float[] lanes = scratch.floats(4, run * Dots.STREAMS * LANES);
        for (int j = 0; j < each; j += run) {
            dots(p, from + j, each, Math.min(run, each - j), a, rows, totals, j, padded, lanes);
        }
        for (int j = each * Dots.STREAMS; j < cols; j++) {
            dots(p, from + j, 0, 1, a, rows, totals, j, padded, lanes);
        }
    }

    /** Every row of a times {@code run} columns of the weights from {@code col} on, and as many {@code apart}, and so on. */
    private static void dots(Product p, long col, int apart, int run, float[] a, int rows, float[] totals, int at, int padded,
            float[] lanes) {
        int depth = p.depth();
        int whole = Dots.whole(depth);
        MemorySegment w = p.b().memory();
        boolean half = p.b().half();
        long bytes = half ? 2 : 4;
        long column = p.b().offset() + col * p.b().rowStride();
        long stride = apart * p.b().rowStride();
        Arrays.fill(lanes, 0, whole == 0 ? run * Dots.STREAMS * LANES : 0, 0f);
        for (int i = 0; i < rows; i++) {
            int ao = i * depth;
            if (half && whole > 0) {
                Dots.halves(w, column * bytes, stride * bytes, a, ao, whole, run, lanes);
            } else if (whole > 0) {
                Dots.floats(w, column * bytes, stride * bytes, a, ao, whole, run, lanes);
            }
            for (int s = 0; s < Dots.STREAMS; s++) {
                for (int j = 0; j < run; j++) {
                    float sum = Lanes.sum(FloatVector.fromArray(SPECIES, lanes, (j * Dots.STREAMS + s) * LANES));
                    long first = column + s * stride + j * p.b().rowStride();
                    for (int k = whole; k < depth; k++) {
                        sum = Math.fma(Packing.get(w, half, first + k), a[ao + k], sum);
                    }
                    totals[i * padded + at + s * apart + j] = sum;
                }
            }
        }
    }

    /** A width for each of the threads; a sum's bits do not depend on it. */
    private static long wide(long cols, int threads, int least) {
        return Math.clamp(Math.ceilDiv(cols, threads * 2L * LANES) * 2 * LANES, least, MOST_COLS);
    }

    /** Adds the sums of a chain that is complete to the totals, the first of them as they are, and begins the next. */
    private static void end(boolean first, float[] sums, float[] totals, int at, int count) {
        for (int j = at; j < at + count; j += LANES) {
            FloatVector s = FloatVector.fromArray(SPECIES, sums, j);
            (first ? s : FloatVector.fromArray(SPECIES, totals, j).add(s)).intoArray(totals, j);
            FloatVector.zero(SPECIES).intoArray(sums, j);
        }
    }

    /** Columns are neighbours, of float32: their sums stay in a cache, and rows of the weights are added to them. */
    private static void across(Product p, long from, int cols, float[] a, int rows, float[] sums, float[] totals,
            int padded) {
        int depth = p.depth();
        MemorySegment w = p.b().memory();
        long stride = p.b().colStride() * 4;
        long first = (p.b().offset() + from * p.b().rowStride()) * 4;
        int whole = Lanes.whole(cols);
        for (int k = 0; k < depth;) {
            int terms = TERMS <= depth - k ? TERMS : 1;
            for (int i = 0; i < rows; i++) {
                if (terms == 1) {
                    addRow(w, first + k * stride, a[i * depth + k], sums, i * padded, whole);
                } else {
                    addRows(w, first + k * stride, stride, a, i * depth + k, sums, i * padded, whole);
                }
            }
            k += terms;
            if (k % CHAIN == 0 || k == depth) {
                for (int i = 0; i < rows; i++) {
                    end(k <= CHAIN, sums, totals, i * padded, whole);
                }
            }
        }
        for (int i = 0; i < rows; i++) {
            for (int j = whole; j < cols; j++) {
                float sum = 0;
                for (int k = 0; k < depth; k++) {
                    sum = Math.fma(a[i * depth + k], Packing.get(w, false, (first + k * stride) / 4 + j), sum);
                    if ((k + 1) % CHAIN == 0 || k == depth - 1) {
                        totals[i * padded + j] = k < CHAIN ? sum : totals[i * padded + j] + sum;
                        sum = 0;
                    }
                }
            }
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
}
