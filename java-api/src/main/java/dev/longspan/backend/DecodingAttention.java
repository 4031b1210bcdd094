package dev.longspan.backend;

import dev.longspan.kernel.AttentionKernel;
import dev.longspan.kernel.AttentionPlan;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Attention of one query, as in decoding, by one kernel, all other by another. */
record DecodingAttention(AttentionKernel decoding, AttentionKernel others) implements AttentionKernel {

    @Override
    public void forward(Parallel parallel, AttentionPlan plan, Tensor q, Tensor k, Tensor v, Tensor out, Tensor lse) {
        (q.size(1) == 1 ? decoding : others).forward(parallel, plan, q, k, v, out, lse);
    }

    @Override
    public void backward(Parallel parallel, AttentionPlan plan, Tensor q, Tensor k, Tensor v, Tensor out, Tensor lse,
            Tensor dOut, @Nullable Tensor dLse, Tensor dq, Tensor dk, Tensor dv) {
        others.backward(parallel, plan, q, k, v, out, lse, dOut, dLse, dq, dk, dv);
    }
}
