package dev.longspan.kernel;

import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * What becomes of a product x as it is stored: {@code c = f(x)}, or {@code c = f(x) ⊙ up}.
 *
 * @param up of c's shape, apart from c
 * @param before where x itself is stored, of c's shape; absent if nobody needs it
 */
public record Epilogue(Activation f, @Nullable Tensor up, @Nullable Tensor before) {

    /** Where x is stored, if only until f takes it: {@code before}, or c. */
    public Tensor product(Tensor c) {
        return before == null ? c : before;
    }
}
