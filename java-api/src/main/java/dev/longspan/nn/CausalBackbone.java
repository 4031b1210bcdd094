package dev.longspan.nn;

import dev.longspan.autograd.Pass;
import dev.longspan.tensor.Tensor;

/** A backbone of which no row sees a later one, with next-token logits of its hidden states. */
public interface CausalBackbone extends Backbone {

    /** Number of token ids. */
    long vocabulary();

    /** Number of logits of a token. */
    default long classes() {
        return vocabulary();
    }

    /** Logits of hidden states; hidden: [..., d], result: [..., classes]. */
    Tensor logitsOf(Pass pass, Tensor hidden);

    /** Cross-entropy of hidden states, one for each target: {@link ChunkedLoss}. */
    default Tensor lossesOf(Pass pass, Tensor hidden, Tensor targets) {
        return ChunkedLoss.of(pass, hidden, targets, classes(), this::logitsOf);
    }
}
