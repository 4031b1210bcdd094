package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.LANES;
import static dev.longspan.kernel.vector.Lanes.ORDER;
import static dev.longspan.kernel.vector.Lanes.SPECIES;

import dev.longspan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * States kept for the way back, in a tensor of size [B, blocks, n, 2, D] but in an order of their own: the 2n rows of a
 * vector of channels lie together. Rows D apart would fall on few lines of the cache.
 */
final class KeptStates {

    private final MemorySegment memory;
    private final long offset;
    private final long width;
    private final long rows;

    KeptStates(Tensor tensor) {
        memory = tensor.segment();
        offset = tensor.offset();
        width = tensor.size(-1);
        rows = 2 * tensor.size(2);
    }

    FloatVector load(long number, long d, int row) {
        int count = (int) Math.min(LANES, width - d);
        return count == LANES ? FloatVector.fromMemorySegment(SPECIES, memory, at(number, d, row, count), ORDER)
                : FloatVector.fromMemorySegment(SPECIES, memory, at(number, d, row, count), ORDER, Lanes.first(count));
    }

    void store(long number, long d, int row, FloatVector v) {
        int count = (int) Math.min(LANES, width - d);
        if (count == LANES) {
            v.intoMemorySegment(memory, at(number, d, row, count), ORDER);
        } else {
            v.intoMemorySegment(memory, at(number, d, row, count), ORDER, Lanes.first(count));
        }
    }

    private long at(long number, long d, int row, int count) {
        return (offset + number * rows * width + d * rows + (long) row * count) * 4;
    }
}
