package dev.longspan.kernel;

import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Normalisation by the moments of all timesteps so far, the current one included. Ma et al., arXiv 2404.08801, section 3.2.
 * x, y: [B, L, D], D divided into groups of neighbours; weight, bias: [D], no weight means 1, no bias means 0. The sums are
 * taken in double.
 */
public interface TimestepNormKernel {

    /**
     * With u and v the mean and population variance of a group of xₜ and m = count + 1:
     * {@code var ← (m−1)/m·var + v/m + (m−1)/m²·(u − mean)²}, {@code mean ← mean + (u − mean)/m},
     * {@code y = (x − mean)/√(var + ε)·(weight + offset) + bias}.
     *
     * @param fresh moments before a document, of batch 1
     * @param start moments before the first row; fresh ones where absent
     * @param last receives the moments after the last row
     * @param means receives the mean after each row, F64 [B, L, groups]; absent at inference, as is rstds
     * @param rstds receives {@code 1/√(var + ε)} after each row, F64 [B, L, groups]
     */
    void forward(Parallel parallel, TimestepNormPlan plan, Tensor x, @Nullable Tensor weight, @Nullable Tensor bias,
            Moments fresh, @Nullable Moments start, Tensor y, Moments last, @Nullable Tensor means, @Nullable Tensor rstds);

    /** Adds to the gradients of x, weight, bias and of the means and variances of fresh and start; each may be absent. */
    void backward(Parallel parallel, TimestepNormPlan plan, Tensor x, @Nullable Tensor weight, Moments fresh,
            @Nullable Moments start, Tensor means, Tensor rstds, Tensor dy, MomentGradients dLast, @Nullable Tensor dx,
            @Nullable Tensor dWeight, @Nullable Tensor dBias, MomentGradients dFresh, MomentGradients dStart);

    /** Gradients of the mean and the variance of moments, F64 [B, groups], where they are wanted. */
    record MomentGradients(@Nullable Tensor mean, @Nullable Tensor var) {
    }
}
