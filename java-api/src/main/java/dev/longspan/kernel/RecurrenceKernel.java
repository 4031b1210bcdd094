package dev.longspan.kernel;

import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Diagonal recurrences along time, real or complex. Layouts are those of {@link ScanKernel}. */
public interface RecurrenceKernel {

    /**
     * {@code hₜ = aₜ⊙hₜ₋₁ + bₜ⊙xₜ}: the diagonal recurrence. x, h: [B, L, D], or complex [B, L, 2, D]; a and b are of the same
     * field, one for all steps ([D] or [2, D]) or one a step (the shape of x); b is 1 where absent; start: [B, D] or
     * [B, 2, D], zeros where absent. Griffin, arXiv 2402.19427, has real a a step.
     */
    void forward(Parallel parallel, ScanPlan plan, Tensor a, @Nullable Tensor b, Tensor x, @Nullable Tensor start, Tensor h);

    /** Adds to the gradients of a, b, x and start; each may be absent. */
    void backward(Parallel parallel, ScanPlan plan, Tensor a, @Nullable Tensor b, Tensor x, @Nullable Tensor start,
            Tensor h, Tensor dh, @Nullable Tensor da, @Nullable Tensor db, @Nullable Tensor dx, @Nullable Tensor dStart);
}
