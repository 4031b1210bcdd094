package dev.longspan.rmt;

import dev.longspan.autograd.Pass;
import dev.longspan.kernel.Activation;
import dev.longspan.nn.Init;
import dev.longspan.nn.Layer;
import dev.longspan.nn.Linear;
import dev.longspan.nn.Parameters;
import dev.longspan.op.Elementwise;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;

/**
 * BERT's classifier, {@code logits = W tanh(Wₚ h + bₚ) + b} of the first row's hidden state h.
 *
 * @param dropout rate between the two
 */
public record Head(Linear pooler, Linear classifier, double dropout) implements Layer {

    /** The head with parameters from anywhere. */
    public static Head of(Parameters parameters, long width, long classes, double dropout) {
        return new Head(Linear.of(parameters, "pooler", width, width, true),
                Linear.of(parameters, "classifier", width, classes, true), dropout);
    }

    /** A new classifier behind a pooler: weights from {@code N(0, 0.02²)}, biases 0. */
    public static Head over(Linear pooler, long classes, double dropout, TensorArena arena, long seed) {
        DType dtype = pooler.weight().dtype();
        return new Head(pooler, Linear.of(fresh(arena, dtype, seed), "classifier", pooler.weight().size(0), classes, true),
                dropout);
    }

    /** A new head in the arena. */
    public static Head create(long width, long classes, double dropout, TensorArena arena, DType dtype, long seed) {
        return of(fresh(arena, dtype, seed), width, classes, dropout);
    }

    private static Parameters fresh(TensorArena arena, DType dtype, long seed) {
        return Init.parameters(arena, dtype, seed, (name, shape) -> shape.length > 1 ? Init.normal(0.02) : Init.constant(0));
    }

    /** h: [B, d], logits: [B, classes]. */
    public Tensor logits(Pass pass, Tensor h) {
        Tensor pooled = pooler.activated(pass, Activation.TANH, h);
        return classifier.apply(pass, Elementwise.dropout(pass, dropout, pooled));
    }
}
