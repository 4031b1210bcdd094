package dev.longspan.kernel.cuda;

import dev.longspan.bindings.cuda.LongspanCuda;
import dev.longspan.kernel.AttentionKernel;
import dev.longspan.kernel.AttentionPattern;
import dev.longspan.kernel.AttentionPlan;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** Attention branch after branch, each for all heads and the whole batch. Operands are float32 or bfloat16, gradients float32. */
final class CudaAttention implements AttentionKernel {

    private final CudaSpace space;

    CudaAttention(CudaSpace space) {
        this.space = space;
    }

    @Override
    public void forward(Parallel parallel, AttentionPlan plan, Tensor q, Tensor k, Tensor v, Tensor out, Tensor lse) {
        try (Arena arena = Arena.ofConfined()) {
            AttentionParams params = new AttentionParams(space, arena, plan, q, k, v, out, lse);
            for (int branch = 0; branch < plan.pattern().branches(); branch++) {
                MemorySegment p = params.branch(branch);
                if (p != null) {
                    space.stream().launch(parallel, "attention", s -> LongspanCuda.ls_cuda_attention(p, s));
                }
            }
        }
    }

    @Override
    public void backward(Parallel parallel, AttentionPlan plan, Tensor q, Tensor k, Tensor v, Tensor out, Tensor lse,
            Tensor dOut, @Nullable Tensor dLse, Tensor dq, Tensor dk, Tensor dv) {
        boolean detached = plan.gradient() == AttentionPlan.Gradient.DETACHED;
        try (Arena arena = Arena.ofConfined()) {
            AttentionParams params = new AttentionParams(space, arena, plan, q, k, v, out, lse);
            params.gradients(out, v, dOut, dLse, dq, dk, dv);
            if (!detached) {
                MemorySegment whole = params.all();
                space.stream().launch(parallel, "attention dots", s -> LongspanCuda.ls_cuda_attention_dots(whole, s));
            }
            for (int branch = 0; branch < plan.pattern().branches(); branch++) {
                MemorySegment p = params.branch(branch);
                if (p == null) {
                    continue;
                }
                if (detached) {
                    space.stream().launch(parallel, "attention deltas", s -> LongspanCuda.ls_cuda_attention_deltas(p, s));
                } else if (plan.pattern() instanceof AttentionPattern.Dense) {
                    space.stream().launch(parallel, "attention centre", s -> LongspanCuda.ls_cuda_attention_centre(p, s));
                }
                space.stream().launch(parallel, "attention backward", s -> LongspanCuda.ls_cuda_attention_backward(p, s));
            }
        }
    }
}
