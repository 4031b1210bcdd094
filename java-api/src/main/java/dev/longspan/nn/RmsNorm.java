package dev.longspan.nn;

import dev.longspan.autograd.Pass;
import dev.longspan.op.Norm;
import dev.longspan.tensor.Tensor;

/** Root-mean-square normalisation over the last dimension; weight: [d]. Zhang and Sennrich, arXiv 1910.07467. */
public record RmsNorm(Tensor weight, double eps) implements Layer {

    public Tensor apply(Pass pass, Tensor x) {
        return Norm.rmsNorm(pass, x, weight, 0, eps);
    }
}
