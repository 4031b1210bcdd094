package dev.longspan.nn;

import dev.longspan.autograd.Pass;
import dev.longspan.kernel.Documents;
import dev.longspan.kernel.Moments;
import dev.longspan.kernel.Residual;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** {@link LayerNorm} with its weight stored minus one, so that weight decay draws it to 1. MEGALODON's released code. */
public record PlusOneLayerNorm(@Nullable Tensor weight, @Nullable Tensor bias, double eps) implements SequenceNorm, Norm {

    /** With weight and bias from a source of parameters. */
    public static PlusOneLayerNorm of(Parameters parameters, String name, long d, double eps) {
        return new PlusOneLayerNorm(parameters.get(name + ".weight", d), parameters.get(name + ".bias", d), eps);
    }

    @Override
    public Tensor apply(Pass pass, Tensor x) {
        return dev.longspan.op.Norm.layerNorm(pass, x, weight, bias, 1, eps);
    }

    @Override
    public Tensor apply(Pass pass, Residual of, @Nullable Tensor sum) {
        return dev.longspan.op.Norm.layerNorm(pass, of, sum, weight, bias, 1, eps);
    }

    @Override
    public Output apply(Pass pass, Tensor x, @Nullable Moments start, @Nullable Documents documents, long first,
            @Nullable Tensor padding) {
        if (padding != null) {
            throw new IllegalArgumentException("a layer norm cannot leave rows out: padding=" + padding);
        }
        return new Output(apply(pass, x), null);
    }
}
