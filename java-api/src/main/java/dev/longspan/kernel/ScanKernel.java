package dev.longspan.kernel;

import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * CEMA along time. Rows are time-major, [B, L, D] with channels last; complex numbers are two rows of channels, [2, D]: real
 * parts, then imaginary parts. All tensors are contiguous. A complex gradient is {@code dL/dRe + i·dL/dIm}.
 */
public interface ScanKernel {

    /**
     * {@code sₜ = q⊙sₜ₋₁ + xₜ}, {@code yₜ = Σₙ Re(c⊙sₜ) + ω⊙xₜ}: CEMA with h = p⊙s, so that p costs nothing and need not be
     * divided by.
     *
     * @param omega [D, 1]
     * @param start state before the first step, [B, n, 2, D]; zeros where absent
     * @param last receives the state after the last step
     * @param kept receives the states before every {@link ScanPlan#BLOCK} steps, of size [B, blocks, n, 2, D], in an
     *     order that only {@link #cemaBackward} of the same backend knows; absent at inference
     */
    void cema(Parallel parallel, ScanPlan plan, Tensor x, Tensor q, Tensor c, Tensor omega, @Nullable Tensor start, Tensor y,
            Tensor last, @Nullable Tensor kept);

    /** Adds to the gradients of x, q and c (both or none), ω and start; each may be absent. */
    void cemaBackward(Parallel parallel, ScanPlan plan, Tensor x, Tensor q, Tensor c, Tensor omega, Tensor kept, Tensor dy,
            @Nullable Tensor dLast, @Nullable Tensor dx, @Nullable Tensor dq, @Nullable Tensor dc, @Nullable Tensor dOmega,
            @Nullable Tensor dStart);
}
