package dev.longspan.op;

import dev.longspan.autograd.Pass;
import dev.longspan.kernel.NormKernel;
import dev.longspan.kernel.Residual;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Normalisation over the last dimension. A weight offset of 1 is for weights stored minus one. */
public final class Norm {

    private Norm() {
    }

    /** {@code y = (x − mean) / √(var + ε) · (weight + offset) + bias}. Ba et al., arXiv 1607.06450. */
    public static Tensor layerNorm(Pass pass, Tensor x, @Nullable Tensor weight, @Nullable Tensor bias, double weightOffset,
            double eps) {
        return layerNorm(pass, null, x, pass.allocateLike(x), weight, bias, weightOffset, eps);
    }

    /**
     * The layer norm of a residual.
     *
     * @param sum where the residual is kept; absent where nobody asks for it
     */
    public static Tensor layerNorm(Pass pass, Residual of, @Nullable Tensor sum, @Nullable Tensor weight, @Nullable Tensor bias,
            double weightOffset, double eps) {
        Tensor y = Elementwise.like(pass, of);
        return layerNorm(pass, of, place(pass, of, sum, y, weight, bias), y, weight, bias, weightOffset, eps);
    }

    private static Tensor layerNorm(Pass pass, @Nullable Residual of, Tensor x, Tensor y, @Nullable Tensor weight,
            @Nullable Tensor bias, double weightOffset, double eps) {
        Tensor rows = check(pass, x, weight, bias, eps);
        Tensor mean = pass.allocate(x.dtype(), rows.size(0));
        Tensor rstd = pass.allocate(x.dtype(), rows.size(0));
        NormKernel kernel = pass.kernels().norm();
        if (of == null) {
            kernel.layerNorm(pass.parallel(), rows, weight, bias, weightOffset, eps, y.rows(), mean, rstd);
        } else {
            kernel.layerNorm(pass.parallel(), pass.kernels().elementwise(), of, rows, weight, bias, weightOffset, eps,
                    y.rows(), mean, rstd);
        }
        if (pass.tracks(x, weight, bias)) {
            pass.record(y, () -> pass.kernels().norm().layerNormBackward(pass.parallel(), rows, weight, weightOffset, mean,
                    rstd, pass.gradient(y).rows(), rowsIfTracked(pass, x), pass.gradientIfTracked(weight),
                    pass.gradientIfTracked(bias)));
        }
        return y;
    }

    /** {@code y = x / √(mean(x²) + ε) · (weight + offset)}. Zhang and Sennrich, arXiv 1910.07467. */
    public static Tensor rmsNorm(Pass pass, Tensor x, @Nullable Tensor weight, double weightOffset, double eps) {
        return rmsNorm(pass, null, x, pass.allocateLike(x), weight, weightOffset, eps);
    }

    /** The RMS norm of a residual: see {@link #layerNorm(Pass, Residual, Tensor, Tensor, Tensor, double, double)}. */
    public static Tensor rmsNorm(Pass pass, Residual of, @Nullable Tensor sum, @Nullable Tensor weight, double weightOffset,
            double eps) {
        Tensor y = Elementwise.like(pass, of);
        return rmsNorm(pass, of, place(pass, of, sum, y, weight, null), y, weight, weightOffset, eps);
    }

    private static Tensor rmsNorm(Pass pass, @Nullable Residual of, Tensor x, Tensor y, @Nullable Tensor weight,
            double weightOffset, double eps) {
        Tensor rows = check(pass, x, weight, null, eps);
        Tensor rstd = pass.allocate(x.dtype(), rows.size(0));
        NormKernel kernel = pass.kernels().norm();
        if (of == null) {
            kernel.rmsNorm(pass.parallel(), rows, weight, weightOffset, eps, y.rows(), rstd);
        } else {
            kernel.rmsNorm(pass.parallel(), pass.kernels().elementwise(), of, rows, weight, weightOffset, eps, y.rows(), rstd);
        }
        if (pass.tracks(x, weight)) {
            pass.record(y, () -> pass.kernels().norm().rmsNormBackward(pass.parallel(), rows, weight, weightOffset, rstd,
                    pass.gradient(y).rows(), rowsIfTracked(pass, x), pass.gradientIfTracked(weight)));
        }
        return y;
    }

    /** {@code y = x · factor · (weight + offset) + bias}. */
    public static Tensor affine(Pass pass, Tensor x, @Nullable Tensor weight, @Nullable Tensor bias, double weightOffset,
            double factor) {
        Tensor rows = check(pass, x, weight, bias, 0);
        Tensor y = pass.allocateLike(x);
        pass.kernels().norm().affine(pass.parallel(), rows, weight, bias, weightOffset, factor, y.rows());
        if (pass.tracks(x, weight, bias)) {
            pass.record(y, () -> pass.kernels().norm().affineBackward(pass.parallel(), rows, weight, weightOffset, factor,
                    pass.gradient(y).rows(), rowsIfTracked(pass, x), pass.gradientIfTracked(weight),
                    pass.gradientIfTracked(bias)));
        }
        return y;
    }

    /** {@code exp(x − max(x)) / Σ exp(x − max(x))}. */
    public static Tensor softmax(Pass pass, Tensor x) {
        Tensor rows = check(pass, x, null, null, 0);
        Tensor y = pass.allocate(x.dtype(), x.shape());
        pass.kernels().norm().softmax(pass.parallel(), rows, y.rows());
        if (pass.tracks(x)) {
            pass.record(y, () -> pass.kernels().norm().softmaxBackward(pass.parallel(), y.rows(),
                    pass.gradient(y).rows(), pass.gradient(x).rows()));
        }
        return y;
    }

    /** Where a residual goes: where it is kept, or the way back looks for it, otherwise into y, which is then written over it. */
    private static Tensor place(Pass pass, Residual of, @Nullable Tensor kept, Tensor y, @Nullable Tensor weight,
            @Nullable Tensor bias) {
        Tensor sum = kept == null && pass.tracks(of.x(), of.f(), weight, bias) ? pass.allocateLike(y) : kept;
        if (sum == null) {
            return y;
        }
        Shapes.checkSame("x and sum", of.x(), sum);
        Elementwise.record(pass, of, sum);
        return sum;
    }

    private static @Nullable Tensor rowsIfTracked(Pass pass, Tensor x) {
        return pass.tracks(x) ? pass.gradient(x).rows() : null;
    }

    private static Tensor check(Pass pass, Tensor x, @Nullable Tensor weight, @Nullable Tensor bias, double eps) {
        Shapes.checkComputes(pass, "x", x);
        Shapes.checkContiguous("x", x);
        if (!(eps >= 0)) {
            throw new IllegalArgumentException("eps must not be negative: eps=" + eps);
        }
        Tensor rows = x.rows();
        if (weight != null) {
            Shapes.checkComputes(pass, "x and weight", x, weight);
            Shapes.checkShape("weight", weight, rows.size(1));
        }
        if (bias != null) {
            Shapes.checkComputes(pass, "x and bias", x, bias);
            Shapes.checkShape("bias", bias, rows.size(1));
        }
        return rows;
    }
}
