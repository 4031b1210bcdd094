package dev.longspan.nn;

import dev.longspan.autograd.Pass;
import dev.longspan.tensor.Tensor;

/** {@code y = scale · table[ids]}; weight: [vocabulary, d]. */
public record Embedding(Tensor weight, double scale) implements Layer {

    /** ids: integers of any shape; y: [..., d]. */
    public Tensor apply(Pass pass, Tensor ids) {
        return dev.longspan.op.Embedding.apply(pass, weight, ids, scale);
    }
}
