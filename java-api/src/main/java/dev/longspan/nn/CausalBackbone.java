package dev.longspan.nn;

import dev.longspan.autograd.Pass;
import dev.longspan.tensor.Tensor;

/** A backbone of which no row sees a later one, with next-token logits of its hidden states. */
public interface CausalBackbone extends Backbone {

    /** Number of token ids. */
    long vocabulary();

    /** Logits of hidden states; hidden: [B, N, d], result: [B, N, vocabulary]. */
    Tensor logitsOf(Pass pass, Tensor hidden);
}
