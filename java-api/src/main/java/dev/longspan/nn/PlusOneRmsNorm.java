package dev.longspan.nn;

import dev.longspan.autograd.Pass;
import dev.longspan.op.Norm;
import dev.longspan.tensor.Tensor;

/** {@link RmsNorm} with its weight stored minus one, so that weight decay draws it to 1. MEGALODON's released code. */
public record PlusOneRmsNorm(Tensor weight, double eps) implements Layer {

    public Tensor apply(Pass pass, Tensor x) {
        return Norm.rmsNorm(pass, x, weight, 1, eps);
    }
}
