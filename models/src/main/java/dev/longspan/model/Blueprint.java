package dev.longspan.model;

import dev.longspan.autograd.Checkpoints;
import dev.longspan.nn.LanguageModel;
import dev.longspan.nn.Parameters;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.TensorArena;

/** A checked configuration, from which models are built. */
public interface Blueprint {

    /** Number of token ids. */
    long vocabulary();

    /** Its size in a few words, such as {@code 2 layers of width 128, 4 heads}. */
    String shape();

    /** What the model costs on {@code batch} sequences of {@code context} tokens; allocates nothing. */
    ModelPlan plan(long context, long batch, DType dtype);

    /** A model over the given parameters, asked for once each. */
    LanguageModel<?> build(Parameters parameters);

    /** A model with fresh F32 weights, a function of the seed. */
    LanguageModel<?> create(TensorArena arena, long seed);

    /** The same models keeping this for the way back; throws IllegalArgumentException where they cannot. */
    default Blueprint withCheckpoints(Checkpoints kept) {
        if (kept == Checkpoints.NONE) {
            return this;
        }
        throw new IllegalArgumentException("this architecture cannot recompute its activations: checkpoints=" + kept);
    }
}
