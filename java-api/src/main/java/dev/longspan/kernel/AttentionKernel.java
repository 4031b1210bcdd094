package dev.longspan.kernel;

import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Softmax attention over the query and key rows that an {@link AttentionPlan} names, never materialising the scores.
 *
 * <p>Shapes: q [B, Nq, H, D], k [B, Nk, H, D], v [B, Nk, H, Dv], out [B, Nq, H, Dv], lse [B, H, Nq] contiguous. Any strides
 * for batch, row and head; the last dimension has stride 1.
 */
public interface AttentionKernel {

    /**
     * Merges {@code softmax(scale · q kᵀ) v} into a partial result: {@code out} and {@code lse} hold what earlier keys gave,
     * or 0 and −∞. Afterwards {@code lse = ln Σ exp(score)} over all keys so far and {@code out} is normalised by it.
     * Rows that see no key stay as they were.
     */
    void forward(Parallel parallel, AttentionPlan plan, Tensor q, Tensor k, Tensor v, Tensor out, Tensor lse);

    /**
     * Adds the gradients of {@link #forward} to dq, dk and dv. {@code out} and {@code lse} are the final ones and may come
     * from outside (other devices' keys included); {@code dLse} is the gradient of {@code lse} where that was used.
     */
    void backward(Parallel parallel, AttentionPlan plan, Tensor q, Tensor k, Tensor v, Tensor out, Tensor lse,
            Tensor dOut, @Nullable Tensor dLse, Tensor dq, Tensor dk, Tensor dv);
}
