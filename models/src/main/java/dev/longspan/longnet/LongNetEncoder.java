package dev.longspan.longnet;

import dev.longspan.autograd.Checkpoints;
import dev.longspan.autograd.Pass;
import dev.longspan.nn.Backbone;
import dev.longspan.nn.Embedding;
import dev.longspan.nn.Linear;
import dev.longspan.nn.Norm;
import dev.longspan.nn.Parameters;
import dev.longspan.nn.TransformerBlock;
import dev.longspan.op.Elementwise;
import dev.longspan.op.Gemm;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The LongNet encoder, as LongViT and Prov-GigaPath use it: every row sees the rows of its segments before and behind it.
 * Takes tokens where it has a vocabulary, and embeddings always. Immutable and usable from any thread.
 *
 * @param output absent where there is no output layer, or where it is the embedding table
 * @param checkpoints what training keeps between layers
 */
public record LongNetEncoder(LongNetConfig config, @Nullable Embedding embedding, @Nullable Embedding positions,
        @Nullable Norm embeddingNorm, List<TransformerBlock> layers, @Nullable Norm norm, @Nullable Linear output,
        Checkpoints checkpoints) implements Backbone {

    public LongNetEncoder {
        layers = List.copyOf(layers);
    }

    /** The encoder of a configuration with parameters from anywhere; it embeds tokens only if {@code fromTokens}. */
    public static LongNetEncoder of(LongNetConfig config, Parameters parameters, boolean fromTokens) {
        return new LongNetEncoder(config, fromTokens ? Body.embedding(config, parameters) : null,
                Body.positions(config, parameters), Body.embeddingNorm(config, parameters),
                Body.blocks(config, parameters, false), Body.norm(config, parameters), Body.output(config, parameters),
                Checkpoints.NONE);
    }

    /** A new encoder, initialised as {@link LongNetInit} says, in the arena; from tokens if it has a vocabulary. */
    public static LongNetEncoder create(LongNetConfig config, TensorArena arena, DType dtype, long seed) {
        return of(config, LongNetInit.parameters(config, arena, dtype, seed), config.vocabulary() > 0);
    }

    /** The same parameters with gradient checkpointing, or without. */
    public LongNetEncoder withCheckpoints(Checkpoints kept) {
        return new LongNetEncoder(config, embedding, positions, embeddingNorm, layers, norm, output, kept);
    }

    @Override
    public long width() {
        return config.width();
    }

    @Override
    public Tensor embed(Pass pass, Tensor tokens) {
        if (embedding == null) {
            throw new IllegalArgumentException("an encoder of embeddings takes no tokens: vocabulary=" + config.vocabulary());
        }
        if (tokens.rank() != 2 || tokens.size(1) == 0) {
            throw new IllegalArgumentException("tokens must be [batch, at least one token]: tokens=" + tokens);
        }
        return embedding.apply(pass, tokens);
    }

    /** Embeddings from elsewhere, such as image patches, scaled as the model scales its own. [B, N, d] to [B, N, d]. */
    public Tensor scaled(Pass pass, Tensor embeddings) {
        return config.scaleEmbedding() ? Elementwise.scale(pass, Math.sqrt(config.width()), embeddings) : embeddings;
    }

    /** {@inheritDoc} Only learned positions depend on {@code firstPosition}. */
    @Override
    public Tensor hidden(Pass pass, Tensor embedded, @Nullable Tensor visible, long firstPosition) {
        Tensor x = states(pass, embedded, visible, firstPosition).getLast();
        return norm == null ? x : norm.apply(pass, x);
    }

    @Override
    public long maxRows() {
        return Body.maxRows(config);
    }

    @Override
    public String settings() {
        return config.toJson();
    }

    /**
     * What enters the first layer and what leaves each layer, before the last norm: layers + 1 tensors [B, N, d]. Those between
     * layers are rounded in training with {@link Checkpoints#BF16}.
     */
    public List<Tensor> states(Pass pass, Tensor embedded, @Nullable Tensor visible, long firstPosition) {
        Tensor x = Body.enter(pass, config, positions, embeddingNorm, embedded, firstPosition);
        return checkpoints.states(pass, layers, x, (inner, layer, in) -> layer.apply(inner, in, visible));
    }

    /** Hidden states, or with an output layer its logits. */
    public Tensor apply(Pass pass, Tensor embedded) {
        return outputOf(pass, hidden(pass, embedded, null, 0));
    }

    /** The output layer's logits of hidden states, or these where there is none. */
    public Tensor outputOf(Pass pass, Tensor hidden) {
        return config.tiedOutput() && embedding != null ? Gemm.linear(pass, hidden, embedding.weight(), null)
                : output == null ? hidden : output.apply(pass, hidden);
    }
}
