package dev.longspan.nn;

import dev.longspan.autograd.Pass;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** The body of a sequence model: embedded tokens to hidden states. What a wrapper such as RMT puts its memory around. */
public interface Backbone extends Layer {

    /** Width d of embeddings and hidden states. */
    long width();

    /** Token embeddings as {@link #hidden} expects them; tokens: [B, N], result: [B, N, d]. */
    Tensor embed(Pass pass, Tensor tokens);

    /**
     * Hidden states of the last layer. embedded: [B, N, d], result: [B, N, d].
     *
     * @param visible 0 hides a key: U8 or BOOL [B or 1, N or 1, N]; none shows all that the model's own pattern shows
     * @param firstPosition position of row 0
     */
    Tensor hidden(Pass pass, Tensor embedded, @Nullable Tensor visible, long firstPosition);

    /** Rows that a sequence from position 0 on may have: those of a table of learned positions. */
    default long maxRows() {
        return Long.MAX_VALUE;
    }

    /** The settings that its parameters do not show, as text: what a state's {@link Fingerprint} is taken of. */
    String settings();
}
