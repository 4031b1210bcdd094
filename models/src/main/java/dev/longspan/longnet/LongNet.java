package dev.longspan.longnet;

import dev.longspan.autograd.Checkpoints;
import dev.longspan.autograd.Pass;
import dev.longspan.nn.Embedding;
import dev.longspan.nn.KeyValueCache;
import dev.longspan.nn.Linear;
import dev.longspan.nn.Norm;
import dev.longspan.nn.Parameters;
import dev.longspan.nn.StreamingBackbone;
import dev.longspan.nn.TransformerBlock;
import dev.longspan.op.Gemm;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The LongNet decoder, arXiv 2307.02486: {@code x = embed(tokens); x ← block(x) …; logits = W_out N(x)}, each block
 * attending by the configuration's pattern. Immutable and usable from any thread.
 *
 * @param output absent where logits use the embedding table, or where there are none
 * @param checkpoints what training keeps between layers
 */
public record LongNet(LongNetConfig config, Embedding embedding, @Nullable Embedding positions,
        @Nullable Norm embeddingNorm, List<TransformerBlock> layers, @Nullable Norm norm, @Nullable Linear output,
        Checkpoints checkpoints) implements StreamingBackbone<LongNetState> {

    public LongNet {
        layers = List.copyOf(layers);
    }

    /** The model of a configuration with parameters from anywhere. */
    public static LongNet of(LongNetConfig config, Parameters parameters) {
        if (config.vocabulary() == 0) {
            throw new IllegalArgumentException("a decoder needs a vocabulary: vocabulary=0");
        }
        return new LongNet(config, Body.embedding(config, parameters), Body.positions(config, parameters),
                Body.embeddingNorm(config, parameters), Body.blocks(config, parameters, true), Body.norm(config, parameters),
                Body.output(config, parameters),
                Checkpoints.NONE);
    }

    /** A new model, initialised as {@link LongNetInit} says, in the arena. */
    public static LongNet create(LongNetConfig config, TensorArena arena, DType dtype, long seed) {
        return of(config, LongNetInit.parameters(config, arena, dtype, seed));
    }

    /** The same parameters with gradient checkpointing, or without. */
    public LongNet withCheckpoints(Checkpoints kept) {
        return new LongNet(config, embedding, positions, embeddingNorm, layers, norm, output, kept);
    }

    /** The same parameters under another configuration of the same shapes: another pattern, other dropouts. */
    public LongNet withConfig(LongNetConfig other) {
        Map<String, Tensor> parameters = parameters();
        LongNet model = of(other, (name, shape) -> Body.shaped(parameters, name, shape));
        if (model.parameters().size() != parameters.size()) {
            throw new IllegalArgumentException("the configuration must have the same parameters: " + other);
        }
        return model.withCheckpoints(checkpoints);
    }

    @Override
    public long vocabulary() {
        return config.vocabulary();
    }

    @Override
    public long width() {
        return config.width();
    }

    @Override
    public Tensor embed(Pass pass, Tensor tokens) {
        if (tokens.rank() != 2 || tokens.size(1) == 0) {
            throw new IllegalArgumentException("tokens must be [batch, at least one token]: tokens=" + tokens);
        }
        return embedding.apply(pass, tokens);
    }

    /**
     * {@inheritDoc} Only learned positions depend on {@code firstPosition}: rotations are relative, and segments begin at
     * row 0.
     */
    @Override
    public Tensor hidden(Pass pass, Tensor embedded, @Nullable Tensor visible, long firstPosition) {
        return last(pass, states(pass, embedded, visible, firstPosition).getLast());
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

    @Override
    public Tensor logits(Pass pass, Tensor tokens) {
        return logitsOf(pass, hidden(pass, embed(pass, tokens), null, 0));
    }

    @Override
    public Tensor losses(Pass pass, Tensor tokens, Tensor targets) {
        return lossesOf(pass, hidden(pass, embed(pass, tokens), null, 0), targets);
    }

    /** {@inheritDoc} The hidden states themselves in a model without output layer. */
    @Override
    public Tensor logitsOf(Pass pass, Tensor hidden) {
        return config.tiedOutput() ? Gemm.linear(pass, hidden, embedding.weight(), null)
                : output == null ? hidden : output.apply(pass, hidden);
    }

    @Override
    public LongNetState start(TensorArena arena, long batch) {
        return start(arena, batch, embedding.weight().dtype());
    }

    @Override
    public LongNetState start(TensorArena arena, long batch, DType caches) {
        return LongNetState.start(this, arena, batch, caches);
    }

    @Override
    public LongNetState restore(TensorArena arena, Map<String, Tensor> saved) {
        return LongNetState.restore(this, arena, saved);
    }

    @Override
    public Hidden<LongNetState> hidden(Pass pass, LongNetState state, Tensor embedded) {
        state.place().check(embedded);
        long position = state.position();
        Tensor x = Body.enter(pass, config, positions, embeddingNorm, embedded, position);
        for (int i = 0; i < layers.size(); i++) {
            TransformerBlock layer = layers.get(i);
            KeyValueCache cache = state.cache(i);
            x = layer.apply(pass, x, normed -> layer.attention().join(pass, cache.attend(pass, layer.attention().plan(),
                    layer.attention().project(pass, normed, position), position)));
        }
        return new Hidden<>(last(pass, x), state.advance(embedded.size(1)));
    }

    private Tensor last(Pass pass, Tensor x) {
        return norm == null ? x : norm.apply(pass, x);
    }
}
