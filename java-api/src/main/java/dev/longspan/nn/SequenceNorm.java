package dev.longspan.nn;

import dev.longspan.autograd.Pass;
import dev.longspan.kernel.Documents;
import dev.longspan.kernel.Moments;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** A norm of rows that may remember the rows before. */
public sealed interface SequenceNorm extends Layer permits TimestepNorm, PlusOneLayerNorm {

    /**
     * Normalised rows and what to continue from; nothing where the norm remembers nothing. x: [B, L, D].
     *
     * @param start what came before row 0; absent at the beginning
     * @param documents packed documents, the first row at position {@code first} among them
     * @param padding nonzero rows do not count: U8 or BOOL [B, L]
     */
    Output apply(Pass pass, Tensor x, @Nullable Moments start, @Nullable Documents documents, long first,
            @Nullable Tensor padding);

    /** Rows [B, L, D] and the moments behind the last. */
    record Output(Tensor y, @Nullable Moments last) {
    }
}
