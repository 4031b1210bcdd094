package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.LANES;

import dev.longspan.kernel.ScanPlan;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * The channels of a work item in the rows of a float32 tensor [..., D], to and from scratch where step t lies at
 * {@code t · ROW}. Whole rows are copied: memory prefetches them, which it does not for a vector out of each.
 */
final class CemaRows {

    /** Vectors of a row at most: tables and states of 32 fit the second cache. */
    static final int VECTORS = 32;
    /** An odd number of vectors: with an even one the same vector of all steps would fall on few sets of the cache. */
    static final int ROW = (VECTORS + 1) * LANES;
    /** Floats of a block of steps. */
    static final int LENGTH = ScanPlan.BLOCK * ROW;

    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

    private final MemorySegment memory;
    private final long offset;
    private final long width;

    CemaRows(Tensor tensor) {
        memory = Floats.memory(tensor);
        offset = tensor.offset();
        width = tensor.size(-1);
    }

    /** Vectors from channel {@code first} on of rows row, row + step, …; missing channels become zeros. */
    void load(long row, int step, int rows, long first, int vectors, float[] to) {
        int count = (int) Math.min(width - first, (long) vectors * LANES);
        for (int t = 0; t < rows; t++) {
            MemorySegment.copy(memory, FLOAT, at(row + (long) t * step, first), to, t * ROW, count);
            Arrays.fill(to, t * ROW + count, t * ROW + vectors * LANES, 0f);
        }
    }

    /** The way back. */
    void store(long row, int step, int rows, long first, int vectors, float[] from) {
        int count = (int) Math.min(width - first, (long) vectors * LANES);
        for (int t = 0; t < rows; t++) {
            MemorySegment.copy(from, t * ROW, memory, FLOAT, at(row + (long) t * step, first), count);
        }
    }

    private long at(long row, long channel) {
        return (offset + row * width + channel) * 4;
    }
}
