package dev.longspan.nn;

import dev.longspan.autograd.Pass;
import dev.longspan.op.Norm;
import dev.longspan.tensor.Tensor;

/** {@link LayerNorm} with its weight stored minus one, so that weight decay draws it to 1. MEGALODON's released code. */
public record PlusOneLayerNorm(Tensor weight, Tensor bias, double eps) implements Layer {

    public Tensor apply(Pass pass, Tensor x) {
        return Norm.layerNorm(pass, x, weight, bias, 1, eps);
    }
}
