package dev.longspan.kernel.vector;

import dev.longspan.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/** The rows of one head of one batch row of a [B, N, H, D] tensor. */
record HeadRows(MemorySegment memory, long offset, long stride, int dim) {

    static HeadRows of(Tensor tensor, long batch, int head) {
        return new HeadRows(tensor.segment(), tensor.offset() + batch * tensor.stride(0) + head * tensor.stride(2),
                tensor.stride(1), Math.toIntExact(tensor.size(3)));
    }

    /** Place of a row's first element. */
    long at(long row) {
        return offset + row * stride;
    }
}
