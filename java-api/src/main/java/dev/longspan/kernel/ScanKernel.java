package dev.longspan.kernel;

import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Linear recurrences along time. Rows are time-major, [B, L, D] with channels last; complex numbers are two rows of
 * channels, [2, D]: real parts, then imaginary parts. All tensors are contiguous. A complex gradient is
 * {@code dL/dRe + i·dL/dIm}.
 */
public interface ScanKernel {

    /**
     * Coefficients of CEMA with n modes a channel: {@code p = σ(α)}, {@code q = (1 − p·σ(δ))·e^(iφ)},
     * {@code φₖ = k·(2π/n)·σ(θ)} for k = 1..n (0 without θ: a real average), {@code c = p·γ/√n}. α, δ: [D, n, 1],
     * θ: [D, 1, 1], γ: [D, n, 2]; q, c: [n, 2, D] and p: [n, D], always F64: rounding q to float32 alone costs 4e-4 over 64K
     * steps of a slow mode. Ma et al., arXiv 2404.08801.
     */
    void coefficients(Parallel parallel, Tensor alpha, Tensor delta, @Nullable Tensor theta, Tensor gamma, Tensor q, Tensor p,
            Tensor c);

    /** Adds to the gradients of α, δ, θ and γ; each gradient may be absent. */
    void coefficientsBackward(Parallel parallel, Tensor alpha, Tensor delta, @Nullable Tensor theta, Tensor gamma,
            @Nullable Tensor dq, @Nullable Tensor dp, @Nullable Tensor dc, @Nullable Tensor dAlpha, @Nullable Tensor dDelta,
            @Nullable Tensor dTheta, @Nullable Tensor dGamma);

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

    /**
     * {@code hₜ = aₜ⊙hₜ₋₁ + bₜ⊙xₜ}: the diagonal recurrence. x, h: [B, L, D], or complex [B, L, 2, D]; a and b are of the same
     * field, one for all steps ([D] or [2, D]) or one a step (the shape of x); b is 1 where absent; start: [B, D] or
     * [B, 2, D], zeros where absent. Griffin, arXiv 2402.19427, has real a a step.
     */
    void recurrence(Parallel parallel, ScanPlan plan, Tensor a, @Nullable Tensor b, Tensor x, @Nullable Tensor start,
            Tensor h);

    /** Adds to the gradients of a, b, x and start; each may be absent. */
    void recurrenceBackward(Parallel parallel, ScanPlan plan, Tensor a, @Nullable Tensor b, Tensor x, @Nullable Tensor start,
            Tensor h, Tensor dh, @Nullable Tensor da, @Nullable Tensor db, @Nullable Tensor dx, @Nullable Tensor dStart);
}
