package dev.longspan.kernel.vector;

import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/** The rows of one head of one batch row of a [B, N, H, D] tensor; elements are float32, or bfloat16 if {@code half}. */
record HeadRows(MemorySegment memory, boolean half, long offset, long stride, int dim) {

    static HeadRows of(Tensor tensor, long batch, int head) {
        boolean half = tensor.dtype() == DType.BF16;
        return new HeadRows(half ? tensor.segment() : Floats.memory(tensor), half,
                tensor.offset() + batch * tensor.stride(0) + head * tensor.stride(2), tensor.stride(1), Math.toIntExact(tensor.size(3)));
    }

    /** Every {@code step}-th row from {@code first} on. */
    HeadRows from(long first, long step) {
        return new HeadRows(memory, half, at(first), stride * step, dim);
    }

    /** Those of all heads: of head h of batch row b at {@code b · heads + h}. One of each serves all work items. */
    static HeadRows[] all(Tensor tensor) {
        int heads = Math.toIntExact(tensor.size(2));
        HeadRows[] all = new HeadRows[Math.toIntExact(tensor.size(0) * heads)];
        for (int i = 0; i < all.length; i++) {
            all[i] = of(tensor, i / heads, i % heads);
        }
        return all;
    }

    /** As {@link #all}, of what is summed up in place: float32 alone. */
    static HeadRows[] sums(Tensor tensor) {
        Floats.memory(tensor);
        return all(tensor);
    }

    /** Place of a row's first element. */
    long at(long row) {
        return offset + row * stride;
    }
}
