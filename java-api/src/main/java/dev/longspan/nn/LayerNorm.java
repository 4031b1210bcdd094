package dev.longspan.nn;

import dev.longspan.autograd.Pass;
import dev.longspan.kernel.Residual;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Layer normalisation over the last dimension; weight, bias: [d]. Ba et al., arXiv 1607.06450. */
public record LayerNorm(@Nullable Tensor weight, @Nullable Tensor bias, double eps) implements Norm {

    @Override
    public Tensor apply(Pass pass, Tensor x) {
        return dev.longspan.op.Norm.layerNorm(pass, x, weight, bias, 0, eps);
    }

    @Override
    public Tensor apply(Pass pass, Residual of, @Nullable Tensor sum) {
        return dev.longspan.op.Norm.layerNorm(pass, of, sum, weight, bias, 0, eps);
    }

    /** With weight and bias from a source of parameters. */
    public static LayerNorm of(Parameters parameters, String name, long d, double eps) {
        return new LayerNorm(parameters.get(name + ".weight", d), parameters.get(name + ".bias", d), eps);
    }
}
