package dev.longspan.kernel.cuda;

import dev.longspan.bindings.cuda.LongspanCuda;
import dev.longspan.kernel.AttentionPattern;
import dev.longspan.kernel.AttentionPlan;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Attention forward by cuDNN where a call is of the kind that it covers: dense, causal or full, bfloat16, heads of 64 or 128 dimensions,
 * more than one query, no mask, documents, decay or dropout. Its output is merged with that of earlier keys by a kernel of ours, since
 * cuDNN overwrites: twice the output's bytes. The first call of each size waits for a compiler, 0.5 to 2 seconds.
 */
final class CudnnForward {

    private static final int PLANS = 64;
    private static final long ALIGNMENT_BYTES = 16;

    private final CudaSpace space;
    private final CudnnPlans plans;

    CudnnForward(CudaSpace space, Function<CudnnProblem, CudnnPlan> compiler) {
        this.space = space;
        this.plans = new CudnnPlans(space.stream(), PLANS, compiler);
    }

    /** On the GPU of a space; throws UnsupportedOperationException with the reason where cuDNN cannot run. */
    static CudnnForward on(CudaSpace space) {
        CudnnTarget.requireCudnn();
        space.device().enter();
        try {
            CudnnHandle handle = CudnnHandle.create(); // it lives as long as the process
            return new CudnnForward(space, problem -> {
                space.device().enter(); // kernels are loaded into the thread's context
                return CudnnAttention.plan(handle, problem);
            });
        } catch (CudnnException e) {
            throw new UnsupportedOperationException(e.getMessage(), e);
        }
    }

    /** Whether it has merged the call's keys into out and lse; {@code params} are the call's. */
    boolean merge(Parallel parallel, AttentionPlan plan, Tensor q, Tensor k, Tensor v, AttentionParams params) {
        CudnnProblem problem = problem(plan, q, k, v).orElse(null);
        @Nullable CudnnPlan compiled = problem == null ? null : plans.get(problem);
        if (compiled == null) {
            return false;
        }
        long rows = q.size(0) * q.size(1) * q.size(2);
        long partBytes = Math.ceilDiv(rows * v.size(3) * DType.BF16.bytes(), 256) * 256;
        long part = space.scratch(DeviceScratch.Slot.PART, partBytes + rows * Float.BYTES);
        long workspace = compiled.workspaceBytes() == 0 ? 0 : space.kernelScratch(compiled.workspaceBytes()).address();
        CudnnData data = new CudnnData(q.address(), k.address(), v.address(), part, part + partBytes, workspace);
        space.stream().launch(parallel, "attention by cuDNN", stream -> execute(compiled, stream, data));
        space.stream().launch(parallel, "attention join", stream -> LongspanCuda.ls_cuda_attention_join(params.all(),
                MemorySegment.ofAddress(part), MemorySegment.ofAddress(part + partBytes), stream));
        return true;
    }

    private int execute(CudnnPlan compiled, MemorySegment stream, CudnnData data) {
        try {
            compiled.execute(stream.address(), data);
            return LongspanCuda.LS_OK();
        } catch (CudnnException e) {
            throw space.device().failure("attention by cuDNN failed: " + e.getMessage());
        }
    }

    /** What cuDNN is to plan for a call, its output contiguous; none for a call that it does not cover. */
    static Optional<CudnnProblem> problem(AttentionPlan plan, Tensor q, Tensor k, Tensor v) {
        boolean plain = plan.pattern() instanceof AttentionPattern.Dense && plan.blockwise() == 0 && plan.mask() == null
                && plan.documents() == null && plan.decay() == null && plan.dropout() == null
                && plan.firstQuery() <= Integer.MAX_VALUE && Float.isFinite((float) plan.scale());
        // Few queries want their keys split, which ours does.
        if (!plain || q.size(1) < 2 || !fits(q) || !fits(k) || !fits(v)) {
            return Optional.empty();
        }
        return Optional.of(new CudnnProblem(layout(q), layout(k), layout(v),
                CudnnLayout.ofTokens(q.size(0), q.size(1), q.size(2), v.size(3)), (float) plan.scale(),
                plan.causal() ? OptionalInt.of((int) plan.firstQuery()) : OptionalInt.empty(), true));
    }

    private static boolean fits(Tensor t) {
        boolean strided = true;
        for (int d = 0; d < 3; d++) {
            strided &= t.size(d) == 1 || isStride(t.stride(d));
        }
        return t.dtype() == DType.BF16 && (t.size(3) == 64 || t.size(3) == 128) && strided && t.address() % ALIGNMENT_BYTES == 0
                && t.elements() > 0 && t.size(0) <= CudnnLayout.MOST_BLOCKS && t.size(2) <= CudnnLayout.MOST_BLOCKS
                && t.size(1) <= Integer.MAX_VALUE;
    }

    private static boolean isStride(long elements) {
        return elements > 0 && elements < CudnnLayout.MOST && elements % CudnnLayout.PIECE == 0;
    }

    private static CudnnLayout layout(Tensor t) {
        return new CudnnLayout(t.size(0), t.size(2), t.size(1), t.size(3), stride(t, 0), stride(t, 2), stride(t, 1));
    }

    /** Of a single item the stride is never taken. */
    private static long stride(Tensor t, int dim) {
        return isStride(t.stride(dim)) ? t.stride(dim) : CudnnLayout.PIECE;
    }
}
