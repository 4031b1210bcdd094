package dev.longspan.nn;

import dev.longspan.autograd.Pass;
import dev.longspan.kernel.Activation;
import dev.longspan.op.Gemm;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** {@code y = x Wᵀ + b}; weight: [out, in], bias: [out] or absent. */
public record Linear(Tensor weight, @Nullable Tensor bias) implements Layer {

    /** x: [..., in], y: [..., out]. */
    public Tensor apply(Pass pass, Tensor x) {
        return Gemm.linear(pass, x, weight, bias);
    }

    /** {@code f(x Wᵀ + b)}. */
    public Tensor activated(Pass pass, Activation f, Tensor x) {
        return Gemm.activated(pass, f, x, weight, bias);
    }

    /** {@code f(x Wᵀ + b) ⊙ up}; up: [..., out]. */
    public Tensor gated(Pass pass, Activation f, Tensor x, Tensor up) {
        return Gemm.gated(pass, f, x, weight, bias, up);
    }

    /** With weights from a source of parameters. */
    public static Linear of(Parameters parameters, String name, long in, long out, boolean withBias) {
        return new Linear(parameters.matrix(name + ".weight", out, in), withBias ? parameters.get(name + ".bias", out) : null);
    }
}
