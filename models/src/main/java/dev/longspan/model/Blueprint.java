package dev.longspan.model;

import dev.longspan.nn.LanguageModel;
import dev.longspan.nn.Parameters;
import dev.longspan.tensor.TensorArena;

/** A checked configuration, from which models are built. */
public interface Blueprint {

    /** Number of token ids. */
    long vocabulary();

    /** A model over the given parameters, asked for once each. */
    LanguageModel<?> build(Parameters parameters);

    /** A model with fresh F32 weights, a function of the seed. */
    LanguageModel<?> create(TensorArena arena, long seed);

    /** The same numbers from models that keep each layer's input only and compute it again on the way back. */
    default Blueprint recomputing() {
        throw new IllegalArgumentException("this architecture cannot recompute its activations");
    }
}
