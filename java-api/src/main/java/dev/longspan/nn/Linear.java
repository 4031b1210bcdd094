package dev.longspan.nn;

import dev.longspan.autograd.Pass;
import dev.longspan.op.Gemm;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** {@code y = x Wᵀ + b}; weight: [out, in], bias: [out] or absent. */
public record Linear(Tensor weight, @Nullable Tensor bias) implements Layer {

    /** x: [..., in], y: [..., out]. */
    public Tensor apply(Pass pass, Tensor x) {
        return Gemm.linear(pass, x, weight, bias);
    }

    /** With weights from a source of parameters. */
    public static Linear of(Parameters parameters, String name, long in, long out, boolean withBias) {
        return new Linear(parameters.matrix(name + ".weight", out, in), withBias ? parameters.get(name + ".bias", out) : null);
    }
}
