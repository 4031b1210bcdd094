package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.LANES;
import static dev.longspan.kernel.vector.Lanes.ORDER;
import static dev.longspan.kernel.vector.Lanes.SPECIES;

import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/** One vector of channels of the rows of a contiguous float32 tensor [..., D]; missing channels are zeros. */
final class Channels {

    private final MemorySegment memory;
    private final long offset;
    private final long width;

    Channels(Tensor tensor) {
        if (tensor.dtype() != DType.F32) {
            throw new IllegalArgumentException("vector kernels compute with F32: dtype=" + tensor.dtype());
        }
        memory = tensor.segment();
        offset = tensor.offset();
        width = tensor.size(-1);
    }

    /** Channels {@code d} to {@code d + LANES − 1} of a row. */
    FloatVector load(long row, long d) {
        long at = (offset + row * width + d) * 4;
        return d + LANES <= width ? FloatVector.fromMemorySegment(SPECIES, memory, at, ORDER)
                : FloatVector.fromMemorySegment(SPECIES, memory, at, ORDER, mask(d));
    }

    void store(long row, long d, FloatVector v) {
        long at = (offset + row * width + d) * 4;
        if (d + LANES <= width) {
            v.intoMemorySegment(memory, at, ORDER);
        } else {
            v.intoMemorySegment(memory, at, ORDER, mask(d));
        }
    }

    void add(long row, long d, FloatVector v) {
        store(row, d, load(row, d).add(v));
    }

    private VectorMask<Float> mask(long d) {
        return Lanes.first((int) (width - d));
    }
}
