package dev.longspan.op;

import dev.longspan.autograd.Pass;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Normalisation over the last dimension. A weight offset of 1 is for weights stored minus one. */
public final class Norm {

    private Norm() {
    }

    /** {@code y = (x − mean) / √(var + ε) · (weight + offset) + bias}. Ba et al., arXiv 1607.06450. */
    public static Tensor layerNorm(Pass pass, Tensor x, @Nullable Tensor weight, @Nullable Tensor bias, double weightOffset,
            double eps) {
        Tensor rows = check(pass, x, weight, bias, eps);
        Tensor y = pass.allocateLike(x);
        Tensor mean = pass.allocate(x.dtype(), rows.size(0));
        Tensor rstd = pass.allocate(x.dtype(), rows.size(0));
        pass.kernels().norm().layerNorm(pass.parallel(), rows, weight, bias, weightOffset, eps, Shapes.rows(y), mean, rstd);
        if (pass.tracks(x, weight, bias)) {
            pass.record(y, () -> pass.kernels().norm().layerNormBackward(pass.parallel(), rows, weight, weightOffset, mean,
                    rstd, Shapes.rows(pass.gradient(y)), rowsIfTracked(pass, x), pass.gradientIfTracked(weight),
                    pass.gradientIfTracked(bias)));
        }
        return y;
    }

    /** {@code y = x / √(mean(x²) + ε) · (weight + offset)}. Zhang and Sennrich, arXiv 1910.07467. */
    public static Tensor rmsNorm(Pass pass, Tensor x, @Nullable Tensor weight, double weightOffset, double eps) {
        Tensor rows = check(pass, x, weight, null, eps);
        Tensor y = pass.allocateLike(x);
        Tensor rstd = pass.allocate(x.dtype(), rows.size(0));
        pass.kernels().norm().rmsNorm(pass.parallel(), rows, weight, weightOffset, eps, Shapes.rows(y), rstd);
        if (pass.tracks(x, weight)) {
            pass.record(y, () -> pass.kernels().norm().rmsNormBackward(pass.parallel(), rows, weight, weightOffset, rstd,
                    Shapes.rows(pass.gradient(y)), rowsIfTracked(pass, x), pass.gradientIfTracked(weight)));
        }
        return y;
    }

    /** {@code y = x · factor · (weight + offset) + bias}. */
    public static Tensor affine(Pass pass, Tensor x, @Nullable Tensor weight, @Nullable Tensor bias, double weightOffset,
            double factor) {
        Tensor rows = check(pass, x, weight, bias, 0);
        Tensor y = pass.allocateLike(x);
        pass.kernels().norm().affine(pass.parallel(), rows, weight, bias, weightOffset, factor, Shapes.rows(y));
        if (pass.tracks(x, weight, bias)) {
            pass.record(y, () -> pass.kernels().norm().affineBackward(pass.parallel(), rows, weight, weightOffset, factor,
                    Shapes.rows(pass.gradient(y)), rowsIfTracked(pass, x), pass.gradientIfTracked(weight),
                    pass.gradientIfTracked(bias)));
        }
        return y;
    }

    /** {@code exp(x − max(x)) / Σ exp(x − max(x))}. */
    public static Tensor softmax(Pass pass, Tensor x) {
        Tensor rows = check(pass, x, null, null, 0);
        Tensor y = pass.allocate(x.dtype(), x.shape());
        pass.kernels().norm().softmax(pass.parallel(), rows, Shapes.rows(y));
        if (pass.tracks(x)) {
            pass.record(y, () -> pass.kernels().norm().softmaxBackward(pass.parallel(), Shapes.rows(y),
                    Shapes.rows(pass.gradient(y)), Shapes.rows(pass.gradient(x))));
        }
        return y;
    }

    private static @Nullable Tensor rowsIfTracked(Pass pass, Tensor x) {
        return pass.tracks(x) ? Shapes.rows(pass.gradient(x)) : null;
    }

    private static Tensor check(Pass pass, Tensor x, @Nullable Tensor weight, @Nullable Tensor bias, double eps) {
        Shapes.checkComputes(pass, "x", x);
        Shapes.checkContiguous("x", x);
        if (!(eps >= 0)) {
            throw new IllegalArgumentException("eps must not be negative: eps=" + eps);
        }
        Tensor rows = Shapes.rows(x);
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
