package dev.longspan.kernel;

import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Normalisation over the last dimension, softmax too. x, y: [rows, d] contiguous; weight, bias: [d]; mean, rstd: [rows],
 * saved for the backward. The weight applied is {@code weight + weightOffset} (1 for weights stored minus one, otherwise 0); no weight
 * means 1, no bias means 0.
 */
public interface NormKernel {

    /** {@code y = (x − mean) · rstd · weight + bias} with {@code rstd = 1/√(var + ε)} and the population variance. */
    void layerNorm(Parallel parallel, Tensor x, @Nullable Tensor weight, @Nullable Tensor bias, double weightOffset,
            double eps, Tensor y, Tensor mean, Tensor rstd);

    /** Adds to dx, dWeight and dBias; each may be absent. */
    void layerNormBackward(Parallel parallel, Tensor x, @Nullable Tensor weight, double weightOffset, Tensor mean,
            Tensor rstd, Tensor dy, @Nullable Tensor dx, @Nullable Tensor dWeight, @Nullable Tensor dBias);

    /** {@code y = x · rstd · weight} with {@code rstd = 1/√(mean(x²) + ε)}. */
    void rmsNorm(Parallel parallel, Tensor x, @Nullable Tensor weight, double weightOffset, double eps, Tensor y,
            Tensor rstd);

    /** Adds to dx and dWeight; each may be absent. */
    void rmsNormBackward(Parallel parallel, Tensor x, @Nullable Tensor weight, double weightOffset, Tensor rstd,
            Tensor dy, @Nullable Tensor dx, @Nullable Tensor dWeight);

    /** The layer norm of a residual, which goes to {@code sum}, with the bits of a sum and a norm on their own; sum may be y. */
    default void layerNorm(Parallel parallel, ElementwiseKernel elementwise, Residual of, Tensor sum, @Nullable Tensor weight,
            @Nullable Tensor bias, double weightOffset, double eps, Tensor y, Tensor mean, Tensor rstd) {
        elementwise.add(parallel, of, sum);
        layerNorm(parallel, sum, weight, bias, weightOffset, eps, y, mean, rstd);
    }

    /** The RMS norm of a residual, likewise. */
    default void rmsNorm(Parallel parallel, ElementwiseKernel elementwise, Residual of, Tensor sum, @Nullable Tensor weight,
            double weightOffset, double eps, Tensor y, Tensor rstd) {
        elementwise.add(parallel, of, sum);
        rmsNorm(parallel, sum, weight, weightOffset, eps, y, rstd);
    }

    /** {@code y = x · factor · weight + bias}: what a norm does once its moments are known. */
    void affine(Parallel parallel, Tensor x, @Nullable Tensor weight, @Nullable Tensor bias, double weightOffset,
            double factor, Tensor y);

    /** Adds to dx, dWeight and dBias; each may be absent. */
    void affineBackward(Parallel parallel, Tensor x, @Nullable Tensor weight, double weightOffset, double factor, Tensor dy,
            @Nullable Tensor dx, @Nullable Tensor dWeight, @Nullable Tensor dBias);

    /** {@code y = exp(x − max(x)) / Σ exp(x − max(x))}; rows of −∞ alone give NaN. */
    void softmax(Parallel parallel, Tensor x, Tensor y);

    /** {@code dx += y ⊙ (dy − Σ dy ⊙ y)}. */
    void softmaxBackward(Parallel parallel, Tensor y, Tensor dy, Tensor dx);
}
