package dev.longspan.nn;

import dev.longspan.autograd.Pass;
import dev.longspan.tensor.Tensor;

/**
 * A causal backbone that goes on from where a sequence stood, of tokens or of embeddings.
 *
 * @param <S> its state between calls
 */
public interface StreamingBackbone<S extends StreamState> extends CausalBackbone, LanguageModel<S> {

    /**
     * Hidden states of the next rows, the same as {@link Backbone#hidden} gives for them within the whole sequence; embedded: [B, n, d].
     * The given state is consumed: only the returned one may be used afterwards. At inference only.
     */
    Hidden<S> hidden(Pass pass, S state, Tensor embedded);

    /** Hidden states [B, n, d] and the state that follows them. */
    record Hidden<S>(Tensor rows, S state) {
    }

    @Override
    default Step<S> next(Pass pass, S state, Tensor tokens) {
        Hidden<S> hidden = hidden(pass, state, embed(pass, tokens));
        return new Step<>(logitsOf(pass, hidden.rows()), hidden.state());
    }
}
