package dev.longspan.transformer;

import dev.longspan.autograd.Pass;
import dev.longspan.kernel.Activation;
import dev.longspan.kernel.AttentionPattern;
import dev.longspan.kernel.AttentionPlan;
import dev.longspan.longnet.LongNetConfig;
import dev.longspan.longnet.LongNetConfig.Dropouts;
import dev.longspan.longnet.LongNetConfig.FeedForward;
import dev.longspan.longnet.LongNetConfig.Norms;
import dev.longspan.longnet.LongNetEncoder;
import dev.longspan.longnet.Rotation;
import dev.longspan.nn.Backbone;
import dev.longspan.nn.Embedding;
import dev.longspan.nn.Init;
import dev.longspan.nn.Linear;
import dev.longspan.nn.Parameters;
import dev.longspan.op.Elementwise;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import org.jspecify.annotations.Nullable;

/**
 * BERT: {@code x = N(word + type + position)}, then {@code x ← N(x + attention(x)); x ← N(x + W₂ GELU(W₁ x))}, every row
 * seeing all. Devlin et al., arXiv 1810.04805. LongNet's encoder with dense attention, learned positions and the norms behind
 * the residuals, and token types in front of it.
 */
public record Bert(LongNetEncoder encoder, Embedding tokenTypes) implements Backbone {

    /**
     * A BERT and the layer that its classifiers read the first row through.
     *
     * @param pooler {@code tanh(W x + b)} of the first row
     */
    public record Pooled(Bert bert, Linear pooler) {
    }

    /** The encoder of any size: ε 1e-12, the exact GELU, weights from {@code N(0, 0.02²)}. */
    public static LongNetConfig of(long vocabulary, int width, int heads, int layers, int feedForward, long positions) {
        return new LongNetConfig(vocabulary, width, heads, layers, new FeedForward(feedForward, Activation.GELU, false),
                new AttentionPattern.Dense(), 0, AttentionPlan.Gradient.EXACT, new Rotation.None(), positions,
                new Norms(false, false, false, false, true, 1e-12), true, false, false, false, 0.02, Dropouts.NONE);
    }

    /** The model with parameters from anywhere. */
    public static Bert of(LongNetConfig config, long types, Parameters parameters) {
        return new Bert(LongNetEncoder.of(config, parameters.within("encoder"), true),
                new Embedding(parameters.get("tokenTypes.weight", types, config.width()), 1));
    }

    /** A new model in the arena. */
    public static Bert create(LongNetConfig config, long types, TensorArena arena, DType dtype, long seed) {
        Parameters fresh = Init.parameters(arena, dtype, seed, (name, shape) -> Init.normal(config.initialStd()));
        return new Bert(LongNetEncoder.create(config, arena, dtype, seed),
                new Embedding(fresh.get("tokenTypes.weight", types, config.width()), 1));
    }

    @Override
    public long width() {
        return encoder.width();
    }

    @Override
    public long maxRows() {
        return encoder.maxRows();
    }

    @Override
    public String settings() {
        return "bert " + encoder.settings();
    }

    @Override
    public Tensor embed(Pass pass, Tensor tokens) {
        return encoder.embed(pass, tokens);
    }

    /** {@inheritDoc} All tokens are of type 0. */
    @Override
    public Tensor hidden(Pass pass, Tensor embedded, @Nullable Tensor visible, long firstPosition) {
        return hidden(pass, embedded, pass.zeros(DType.I64, embedded.size(0), embedded.size(1)), visible, firstPosition);
    }

    /** Hidden states of tokens of these types: [B, N]. */
    public Tensor hidden(Pass pass, Tensor embedded, Tensor types, @Nullable Tensor visible, long firstPosition) {
        return encoder.hidden(pass, typed(pass, embedded, types), visible, firstPosition);
    }

    /** What enters the encoder: embeddings with those of their types, [B, N]. */
    public Tensor typed(Pass pass, Tensor embedded, Tensor types) {
        return Elementwise.add(pass, embedded, tokenTypes.apply(pass, types));
    }
}
