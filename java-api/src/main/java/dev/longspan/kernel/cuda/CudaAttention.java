package dev.longspan.kernel.cuda;

import dev.longspan.bindings.CudnnLibrary;
import dev.longspan.bindings.cuda.LongspanCuda;
import dev.longspan.kernel.AttentionKernel;
import dev.longspan.kernel.AttentionPattern;
import dev.longspan.kernel.AttentionPlan;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Attention branch after branch, each for all heads and the whole batch, or forward by cuDNN where that was chosen and covers the
 * call. Operands are float32 or bfloat16, gradients float32.
 */
final class CudaAttention implements AttentionKernel {

    private final CudaSpace space;
    private final @Nullable CudnnForward cudnn;

    CudaAttention(CudaSpace space, @Nullable CudnnForward cudnn) {
        this.space = space;
        this.cudnn = cudnn;
    }

    /** As the property {@value CudaKernels#ATTENTION} says; where it asks for a cuDNN that is not there, the log says why, once. */
    static CudaAttention chosen(CudaSpace space) {
        String by = System.getProperty(CudaKernels.ATTENTION, "own");
        if (by.equals("own")) {
            return new CudaAttention(space, null);
        }
        if (!by.equals("cudnn")) {
            throw new UnsupportedOperationException(CudaKernels.ATTENTION + " must be own or cudnn: " + CudaKernels.ATTENTION + "=" + by);
        }
        try {
            return new CudaAttention(space, CudnnForward.on(space));
        } catch (UnsupportedOperationException e) {
            System.getLogger("dev.longspan.kernel.cuda").log(System.Logger.Level.WARNING, "-D" + CudaKernels.ATTENTION
                    + "=cudnn is ignored, this library's own attention runs: " + e.getMessage());
            return new CudaAttention(space, null);
        }
    }

    /** Whose kernels run forward, in words. */
    String describe() {
        CudnnLibrary library = CudnnLibrary.get();
        return library.reason() != null ? "no cuDNN: " + library.reason() : "cuDNN " + library.version()
                + (cudnn == null ? ", not used for attention" : ", for dense attention of bfloat16 forward");
    }

    @Override
    public void forward(Parallel parallel, AttentionPlan plan, Tensor q, Tensor k, Tensor v, Tensor out, Tensor lse) {
        try (Arena arena = Arena.ofConfined()) {
            AttentionParams params = new AttentionParams(space, arena, plan, q, k, v, out, lse);
            if (cudnn != null && cudnn.merge(parallel, plan, q, k, v, params)) {
                return;
            }
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
