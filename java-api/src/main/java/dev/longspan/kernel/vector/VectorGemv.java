package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.INTS;
import static dev.longspan.kernel.vector.Lanes.LANES;
import static dev.longspan.kernel.vector.Lanes.ORDER;
import static dev.longspan.kernel.vector.Lanes.SPECIES;

import dev.longspan.kernel.vector.VectorGemm.Product;
import dev.longspan.parallel.Parallel;
import dev.longspan.parallel.Scratch;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Products with few rows, as in decoding: the weights are read once and not packed. Each sum takes its terms in the
 * order
 * of the tiled product, so that the bits are the same.
 */
final class VectorGemv {

    /** Columns of a work item. */
    private static final int COLS = 256;

    void gemm(Parallel parallel, Product p) {
        int depth = p.depth();
        int rows = (int) p.c().rows();
        parallel.forRanges(p.c().cols(), COLS, (from, to, scratch) -> {
            int cols = (int) (to - from);
            int padded = Math.ceilDiv(cols, LANES) * LANES;
            float[] a = scratch.floats(0, rows * depth + LANES);
            float[] stage = scratch.floats(1, Packing.STAGE);
            for (int i = 0; i < rows; i++) {
                Packing.panels(p.a().memory(), p.a().half(), p.a().offset() + i * p.a().rowStride(), p.a().rowStride(),
                        p.a().colStride(),
                        1, depth, 1, a, i * depth, stage);
            }
            float[] sums = scratch.floats(2, rows * padded);
            Arrays.fill(sums, 0, rows * padded, 0f);
            if (p.b().colStride() != 1) {
                across(p, from, cols, a, rows, sums, padded, scratch);
            } else {
                along(p, from, cols, a, rows, sums, padded, scratch);
            }
            for (int i = 0; i < rows; i++) {
                p.store(sums, i * padded, i, from, cols);
            }
        });
    }

    /** Columns are neighbours: add row after row of the weights. */
    private static void across(Product p, long from, int cols, float[] a, int rows, float[] sums, int padded, Scratch scratch) {
        int depth = p.depth();
        MemorySegment wide = p.b().half() ? scratch.segment(0, 4L * COLS) : p.b().memory();
        for (int k = 0; k < depth; k++) {
            long row = p.b().offset() + k * p.b().colStride() + from * p.b().rowStride();
            if (p.b().half()) {
                Packing.widen(p.b().memory(), row, cols, wide);
                row = 0;
            }
            for (int i = 0; i < rows; i++) {
                addTimes(a[i * depth + k], wide, row, sums, i * padded, cols);
            }
        }
    }

    private static void addTimes(float factor, MemorySegment w, long row, float[] sums, int to, int cols) {
        FloatVector x = FloatVector.broadcast(SPECIES, factor);
        int whole = Lanes.whole(cols);
        for (int j = 0; j < whole; j += LANES) {
            x.fma(FloatVector.fromMemorySegment(SPECIES, w, (row + j) * 4, ORDER), FloatVector.fromArray(SPECIES, sums, to + j))
                    .intoArray(sums, to + j);
        }
        if (whole < cols) {
            x.fma(FloatVector.fromMemorySegment(SPECIES, w, (row + whole) * 4, ORDER, Lanes.first(cols - whole)),
                    FloatVector.fromArray(SPECIES, sums, to + whole)).intoArray(sums, to + whole);
        }
    }

    /** Terms are neighbours: squares of the weights are transposed, so that columns are. */
    private static void along(Product p, long from, int cols, float[] a, int rows, float[] sums, int padded, Scratch scratch) {
        int depth = p.depth();
        int bytes = p.b().half() ? 2 : 4;
        int square = 4 * LANES / bytes;
        MemorySegment turned = scratch.segment(0, Square.BYTES);
        MemorySegment ragged = scratch.segment(1, Square.BYTES);
        long stride = p.b().rowStride() * bytes;
        for (int j = 0; j < cols; j += LANES) {
            int columns = Math.min(LANES, cols - j);
            for (int k = 0; k < depth; k += square) {
                int terms = Math.min(square, depth - k);
                long at = (p.b().offset() + (from + j) * p.b().rowStride() + k) * bytes;
                if (terms == square) {
                    Square.transpose(p.b().memory(), at, stride, columns, turned);
                } else {
                    for (int column = 0; column < columns; column++) {
                        MemorySegment.copy(p.b().memory(), at + column * stride, ragged, column * Square.ROW_BYTES,
                                (long) terms * bytes);
                    }
                    Square.transpose(ragged, 0, Square.ROW_BYTES, columns, turned);
                }
                for (int i = 0; i < rows; i++) {
                    if (p.b().half()) {
                        addHalves(turned, terms, a, i * depth + k, sums, i * padded + j);
                    } else {
                        add(turned, terms, a, i * depth + k, sums, i * padded + j);
                    }
                }
            }
        }
    }

    /** Adds a term a row of the square to the sums of its columns. */
    private static void add(MemorySegment w, int terms, float[] a, int ao, float[] sums, int at) {
        FloatVector s = FloatVector.fromArray(SPECIES, sums, at);
        for (int k = 0; k < terms; k++) {
            s = FloatVector.fromMemorySegment(SPECIES, w, k * Square.ROW_BYTES, ORDER).fma(
                    FloatVector.broadcast(SPECIES, a[ao + k]), s);
        }
        s.intoArray(sums, at);
    }

    /** As {@link #add} with two bfloat16 weights in an element, the lower one first. */
    private static void addHalves(MemorySegment w, int terms, float[] a, int ao, float[] sums, int at) {
        FloatVector s = FloatVector.fromArray(SPECIES, sums, at);
        int k = 0;
        for (; k < terms - 1; k += 2) {
            IntVector pair = IntVector.fromMemorySegment(INTS, w, k / 2 * Square.ROW_BYTES, ORDER);
            s = pair.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(FloatVector.broadcast(SPECIES, a[ao + k]), s);
            s = pair.and(0xFFFF0000).reinterpretAsFloats().fma(FloatVector.broadcast(SPECIES, a[ao + k + 1]), s);
        }
        if (k < terms) {
            IntVector pair = IntVector.fromMemorySegment(INTS, w, k / 2 * Square.ROW_BYTES, ORDER);
            s = pair.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(FloatVector.broadcast(SPECIES, a[ao + k]), s);
        }
        s.intoArray(sums, at);
    }
}
