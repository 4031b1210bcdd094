package dev.longspan.kernel.scalar;

import dev.longspan.kernel.CoefficientsKernel;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** CEMA's coefficients a channel at a time. */
final class ScalarCoefficients implements CoefficientsKernel {

    @Override
    public void forward(Parallel parallel, Tensor alpha, Tensor delta, @Nullable Tensor theta, Tensor gamma, Tensor q, Tensor p,
            Tensor c) {
        new CemaCoefficients(alpha, delta, theta, gamma).compute(parallel, q, p, c);
    }

    @Override
    public void backward(Parallel parallel, Tensor alpha, Tensor delta, @Nullable Tensor theta, Tensor gamma,
            @Nullable Tensor dq, @Nullable Tensor dp, @Nullable Tensor dc, @Nullable Tensor dAlpha, @Nullable Tensor dDelta,
            @Nullable Tensor dTheta, @Nullable Tensor dGamma) {
        new CemaCoefficients(alpha, delta, theta, gamma).backward(parallel, dq, dp, dc, dAlpha, dDelta, dTheta, dGamma);
    }
}
