package dev.longspan.nn;

import dev.longspan.autograd.Pass;
import dev.longspan.kernel.Residual;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Root-mean-square normalisation over the last dimension; weight: [d]. Zhang and Sennrich, arXiv 1910.07467. */
public record RmsNorm(Tensor weight, double eps) implements Norm {

    @Override
    public Tensor apply(Pass pass, Tensor x) {
        return dev.longspan.op.Norm.rmsNorm(pass, x, weight, 0, eps);
    }

    @Override
    public Tensor apply(Pass pass, Residual of, @Nullable Tensor sum) {
        return dev.longspan.op.Norm.rmsNorm(pass, of, sum, weight, 0, eps);
    }

    /** With the weight from a source of parameters. */
    public static RmsNorm of(Parameters parameters, String name, long d, double eps) {
        return new RmsNorm(parameters.get(name + ".weight", d), eps);
    }
}
