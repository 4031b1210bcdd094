package dev.longspan.nn;

import dev.longspan.tensor.Tensor;

/** Where a model under construction takes its parameters from: fresh memory with an initialisation, or a checkpoint. */
@FunctionalInterface
public interface Parameters {

    /** The parameter of that path and shape. */
    Tensor get(String name, long... shape);

    /** The same source below a path. */
    default Parameters within(String path) {
        return (name, shape) -> get(path + "." + name, shape);
    }
}
