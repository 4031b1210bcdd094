package dev.longspan.op;

import dev.longspan.autograd.Pass;
import dev.longspan.kernel.AttentionPlan;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.util.List;

/** Softmax attention along an {@link AttentionPlan}, with its log-sum-exp. */
public final class Attention {

    private Attention() {
    }

    /**
     * Output and log-sum-exp, both differentiable.
     *
     * @param out [B, Nq, H, Dv]; 0 where a query sees no key
     * @param lse [B, H, Nq]; −∞ there
     */
    public record Result(Tensor out, Tensor lse) {
    }

    /**
     * {@code softmax(scale · q kᵀ) v} over the keys that the plan shows; q: [B, Nq, H, D], k: [B, Nk, H, D], v: [B, Nk, H, Dv].
     * All may be BF16, summed up in F32: so is the output then, and lse and its gradient are F32; the gradients of q, k and v
     * have the dtype that {@code pass.gradient} gives, with BF16 rounded once a call. Without gradients k and v alone may be
     * BF16 beside q in F32, as in caches. Scalar refuses both, cuda the latter.
     */
    public static Result apply(Pass pass, AttentionPlan plan, Tensor q, Tensor k, Tensor v) {
        check(pass, plan, q, k, v);
        Tensor out = pass.zeros(q.dtype(), q.size(0), q.size(1), q.size(2), v.size(3));
        Tensor lse = pass.allocate(q.dtype() == DType.BF16 ? DType.F32 : q.dtype(), q.size(0), q.size(2), q.size(1));
        pass.kernels().elementwise().fill(pass.parallel(), lse, Double.NEGATIVE_INFINITY);
        pass.kernels().attention().forward(pass.parallel(), plan, q, k, v, out, lse);
        if (pass.tracks(q, k, v)) {
            pass.record(List.of(out, lse), () -> backward(pass, plan, q, k, v, out, lse));
        }
        return new Result(out, lse);
    }

    private static void backward(Pass pass, AttentionPlan plan, Tensor q, Tensor k, Tensor v, Tensor out, Tensor lse) {
        Tensor dOut = pass.cast(pass.gradient(out), out.dtype());
        Tensor dq = sums(pass, q, lse.dtype());
        Tensor dk = sums(pass, k, lse.dtype());
        Tensor dv = sums(pass, v, lse.dtype());
        pass.kernels().attention().backward(pass.parallel(), plan, q, k, v, out, lse, dOut, pass.gradientIfMade(lse), dq, dk, dv);
        addRounded(pass, dq, q);
        addRounded(pass, dk, k);
        addRounded(pass, dv, v);
    }

    /**
     * Merges the keys that the plan shows into a partial result ({@code out}, {@code lse}), which starts as 0 and −∞. For
     * inference: caches and keys that arrive in parts.
     */
    public static void merge(Pass pass, AttentionPlan plan, Tensor q, Tensor k, Tensor v, Tensor out, Tensor lse) {
        check(pass, plan, q, k, v);
        Shapes.checkShape("out", out, q.size(0), q.size(1), q.size(2), v.size(3));
        Shapes.checkShape("lse", lse, q.size(0), q.size(2), q.size(1));
        if (pass.tracks(q, k, v)) {
            throw new IllegalArgumentException("merging has no gradient: use apply in training");
        }
        pass.kernels().attention().forward(pass.parallel(), plan, q, k, v, out, lse);
    }

    /** The gradient itself; zeros where there is none or it has another dtype. */
    private static Tensor sums(Pass pass, Tensor operand, DType dtype) {
        Tensor gradient = pass.gradientIfTracked(operand);
        return gradient != null && gradient.dtype() == dtype ? gradient : pass.zeros(dtype, operand.shape());
    }

    /** One operand after the other: their gradients may share memory. */
    private static void addRounded(Pass pass, Tensor sums, Tensor operand) {
        Tensor gradient = pass.gradientIfTracked(operand);
        if (gradient != null && gradient.dtype() != sums.dtype()) {
            pass.kernels().elementwise().axpby(pass.parallel(), 1, pass.cast(gradient, sums.dtype()), 1, sums);
            gradient.copyFrom(sums);
        }
    }

    private static void check(Pass pass, AttentionPlan plan, Tensor q, Tensor k, Tensor v) {
        if (q.rank() != 4 || k.rank() != 4 || v.rank() != 4 || q.stride(3) != 1 || k.stride(3) != 1 || v.stride(3) != 1) {
            throw new IllegalArgumentException("q, k and v must be [batch, rows, heads, dim] with dim contiguous: q=" + q
                    + ", k=" + k + ", v=" + v);
        }
        boolean half = k.dtype() == DType.BF16 && v.dtype() == DType.BF16
                && (q.dtype() == DType.BF16 || q.dtype() == DType.F32 && !pass.tracks(q, k, v));
        if (half) {
            pass.backend().checkComputes(DType.F32);
        } else {
            Shapes.checkComputes(pass, "q, k and v", q, k, v);
        }
        if (q.size(0) != k.size(0) || q.size(2) != k.size(2) || q.size(3) != k.size(3)
                || k.size(0) != v.size(0) || k.size(1) != v.size(1) || k.size(2) != v.size(2)) {
            throw new IllegalArgumentException("q, k and v must agree in batch, heads and rows: q=" + q + ", k=" + k
                    + ", v=" + v);
        }
        Tensor mask = plan.mask();
        if (mask != null && (mask.size(2) != k.size(1) || mask.size(0) != 1 && mask.size(0) != q.size(0)
                || mask.size(1) != 1 && mask.size(1) != q.size(1))) {
            throw new IllegalArgumentException("mask must be [B or 1, Nq or 1, Nk]: mask=" + mask + ", q=" + q + ", k=" + k);
        }
        if (plan.decay() != null && plan.decay().log2PerEpoch().length != q.size(3)) {
            throw new IllegalArgumentException("decay must have one rate per dimension: rates="
                    + plan.decay().log2PerEpoch().length + ", q=" + q);
        }
    }
}
