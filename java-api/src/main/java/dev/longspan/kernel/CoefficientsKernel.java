package dev.longspan.kernel;

import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** What CEMA multiplies by, from its parameters: few numbers, always F64. Layouts are those of {@link ScanKernel}. */
public interface CoefficientsKernel {

    /**
     * Coefficients of CEMA with n modes a channel: {@code p = σ(α)}, {@code q = (1 − p·σ(δ))·e^(iφ)},
     * {@code φₖ = k·(2π/n)·σ(θ)} for k = 1..n (0 without θ: a real average), {@code c = p·γ/√n}. α, δ: [D, n, 1],
     * θ: [D, 1, 1], γ: [D, n, 2]; q, c: [n, 2, D] and p: [n, D], always F64: rounding q to float32 alone costs 4e-4 over 64K
     * steps of a slow mode. Ma et al., arXiv 2404.08801.
     */
    void forward(Parallel parallel, Tensor alpha, Tensor delta, @Nullable Tensor theta, Tensor gamma, Tensor q, Tensor p,
            Tensor c);

    /** Adds to the gradients of α, δ, θ and γ; each gradient may be absent. */
    void backward(Parallel parallel, Tensor alpha, Tensor delta, @Nullable Tensor theta, Tensor gamma,
            @Nullable Tensor dq, @Nullable Tensor dp, @Nullable Tensor dc, @Nullable Tensor dAlpha, @Nullable Tensor dDelta,
            @Nullable Tensor dTheta, @Nullable Tensor dGamma);
}
