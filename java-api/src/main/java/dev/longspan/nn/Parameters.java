package dev.longspan.nn;

import dev.longspan.tensor.Tensor;

/** Where a model under construction takes its parameters from: fresh memory with an initialisation, or a checkpoint. */
@FunctionalInterface
public interface Parameters {

    /** The parameter of that path and shape. */
    Tensor get(String name, long... shape);

    /** The weights [out, in] of a product, which reads them narrower or in another order just as well. */
    default Tensor matrix(String name, long out, long in) {
        return get(name, out, in);
    }

    /** The same source below a path. */
    default Parameters within(String path) {
        Parameters all = this;
        return new Parameters() {
            @Override
            public Tensor get(String name, long... shape) {
                return all.get(path + "." + name, shape);
            }

            @Override
            public Tensor matrix(String name, long out, long in) {
                return all.matrix(path + "." + name, out, in);
            }
        };
    }
}
