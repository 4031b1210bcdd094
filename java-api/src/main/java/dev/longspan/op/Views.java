package dev.longspan.op;

import dev.longspan.autograd.Pass;
import dev.longspan.tensor.Tensor;

/** Other views of the same elements: no copies, and gradients that share memory in the same way. */
public final class Views {

    private Views() {
    }

    /** The same elements under another row-major shape; one size may be -1. */
    public static Tensor reshape(Pass pass, Tensor x, long... shape) {
        return pass.alias(x.reshape(shape), x, d -> d.reshape(shape));
    }

    /** Indices from (inclusive) to to (exclusive) of a dimension. */
    public static Tensor slice(Pass pass, Tensor x, int dim, long from, long to) {
        return pass.alias(x.slice(dim, from, to), x, d -> d.slice(dim, from, to));
    }

    /** One index of a dimension, which disappears. */
    public static Tensor select(Pass pass, Tensor x, int dim, long index) {
        return pass.alias(x.select(dim, index), x, d -> d.select(dim, index));
    }
}
