package dev.longspan.kernel;

import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;

/** Updates and measures of whole parameter tensors. Contiguous; sums are taken in double in a fixed order. */
public interface OptimizerKernel {

    /**
     * {@code m = β₁m + (1−β₁)g; v = β₂v + (1−β₂)g²; w −= lr·(m/(1−β₁ᵗ) / (√(v/(1−β₂ᵗ)) + ε) + λw)} with t counted from 1 and
     * g scaled by {@code gradientScale}. Loshchilov and Hutter, arXiv 1711.05101.
     */
    void adamW(Parallel parallel, AdamWStep step, Tensor weight, Tensor gradient, Tensor m, Tensor v);

    /** {@code Σ x²}. */
    double sumOfSquares(Parallel parallel, Tensor x);

    /** How many elements are NaN or infinite. */
    long countNonFinite(Parallel parallel, Tensor x);

    /** {@code x = min(max(x, −limit), limit)}; NaN stays. */
    void clamp(Parallel parallel, Tensor x, double limit);
}
