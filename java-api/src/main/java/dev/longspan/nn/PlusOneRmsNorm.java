package dev.longspan.nn;

import dev.longspan.autograd.Pass;
import dev.longspan.kernel.Residual;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** {@link RmsNorm} with its weight stored minus one, so that weight decay draws it to 1. MEGALODON's released code. */
public record PlusOneRmsNorm(@Nullable Tensor weight, double eps) implements Norm {

    /** With a weight from a source of parameters. */
    public static PlusOneRmsNorm of(Parameters parameters, String name, long d, double eps) {
        return new PlusOneRmsNorm(parameters.get(name + ".weight", d), eps);
    }

    @Override
    public Tensor apply(Pass pass, Tensor x) {
        return dev.longspan.op.Norm.rmsNorm(pass, x, weight, 1, eps);
    }

    @Override
    public Tensor apply(Pass pass, Residual of, @Nullable Tensor sum) {
        return dev.longspan.op.Norm.rmsNorm(pass, of, sum, weight, 1, eps);
    }
}
