package dev.longspan.nn;

import dev.longspan.autograd.Pass;
import dev.longspan.tensor.Tensor;

/** A normalisation of each row by itself, such as a transformer block stands its layers on. */
public interface Norm extends Layer {

    /** x, y: [..., d]. */
    Tensor apply(Pass pass, Tensor x);
}
