package dev.longspan.transformer;

import dev.longspan.checkpoint.NameMap;
import dev.longspan.tensor.Tensor;
import java.util.function.UnaryOperator;

/** Where another library keeps each of our parameters: under another name, transposed, or as a part of a larger tensor. */
@FunctionalInterface
public interface ForeignLayout {

    /** The place of the parameter of that name. */
    Place place(String parameter);

    /**
     * A part of a tensor.
     *
     * @param view that part of the whole, in our shape: to read from and to write to
     */
    record Place(String name, UnaryOperator<Tensor> view) {
    }

    /** The same tensors under other names. */
    static ForeignLayout renamed(NameMap names) {
        return parameter -> new Place(names.toForeign(parameter), UnaryOperator.identity());
    }
}
