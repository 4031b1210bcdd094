package dev.longspan.nn;

import dev.longspan.autograd.Pass;
import dev.longspan.kernel.Residual;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** A normalisation of each row by itself, such as a transformer block stands its layers on. */
public interface Norm extends Layer {

    /** x, y: [..., d]. */
    Tensor apply(Pass pass, Tensor x);

    /**
     * The norm of a residual. x, f, sum, y: [..., d].
     *
     * @param sum where the residual is kept; absent where nobody asks for it
     */
    Tensor apply(Pass pass, Residual of, @Nullable Tensor sum);
}
