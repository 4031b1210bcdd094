package dev.longspan.megalodon;

import dev.longspan.autograd.Checkpoints;
import dev.longspan.autograd.Pass;
import dev.longspan.kernel.Documents;
import dev.longspan.nn.Embedding;
import dev.longspan.nn.Linear;
import dev.longspan.nn.PackedLanguageModel;
import dev.longspan.nn.Parameters;
import dev.longspan.nn.SequenceNorm;
import dev.longspan.nn.StreamingBackbone;
import dev.longspan.op.Elementwise;
import dev.longspan.op.Gemm;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * MEGALODON, arXiv 2404.08801: {@code x = embed(tokens); x ← block(x) …; logits = W_out TimestepNorm(x)}. Immutable and
 * usable from any thread.
 *
 * @param output absent where logits use the embedding table
 * @param checkpoints what training keeps between layers
 */
public record Megalodon(MegalodonConfig config, Embedding embedding, List<MegalodonBlock> layers, SequenceNorm norm,
        @Nullable Linear output, Checkpoints checkpoints) implements StreamingBackbone<MegalodonState>, PackedLanguageModel {

    public Megalodon {
        layers = List.copyOf(layers);
    }

    /** The model of a configuration with parameters from anywhere. */
    public static Megalodon of(MegalodonConfig config, Parameters parameters) {
        return new Megalodon(config,
                new Embedding(parameters.get("embedding.weight", config.vocabulary(), config.width()),
                        config.scaleEmbedding() ? Math.sqrt(config.width()) : 1),
                IntStream.range(0, config.layers())
                        .mapToObj(i -> MegalodonBlock.of(config, parameters.within("layers." + i))).toList(),
                GatedAttention.norm(config, parameters, "norm"),
                config.tiedOutput() ? null : Linear.of(parameters, "output", config.width(), config.outputs(), false),
                Checkpoints.NONE);
    }

    /** A new model, initialised as {@link MegalodonInit} says, in the arena. */
    public static Megalodon create(MegalodonConfig config, TensorArena arena, DType dtype, long seed) {
        return of(config, MegalodonInit.parameters(config, arena, dtype, seed));
    }

    /** The same parameters with gradient checkpointing, or without. */
    public Megalodon withCheckpoints(Checkpoints kept) {
        return new Megalodon(config, embedding, layers, norm, output, kept);
    }

    @Override
    public long vocabulary() {
        return config.vocabulary();
    }

    @Override
    public long classes() {
        return config.outputs();
    }

    @Override
    public long width() {
        return config.width();
    }

    @Override
    public String settings() {
        return config.toJson();
    }

    @Override
    public Tensor embed(Pass pass, Tensor tokens) {
        if (tokens.rank() != 2 || tokens.size(1) == 0) {
            throw new IllegalArgumentException("tokens must be [batch, at least one token]: tokens=" + tokens);
        }
        return embedding.apply(pass, tokens);
    }

    /**
     * {@inheritDoc} A hidden row is no key, adds nothing to moments and averages, and lets time pass in the averages. It must
     * be hidden from all queries alike. Chunks begin at row 0, whatever its position: only differences of positions count.
     */
    @Override
    public Tensor hidden(Pass pass, Tensor embedded, @Nullable Tensor visible, long firstPosition) {
        return hidden(pass, embedded, visible == null ? Context.WHOLE : padded(pass, embedded, visible));
    }

    @Override
    public Tensor logits(Pass pass, Tensor tokens) {
        return logitsOf(pass, hidden(pass, embed(pass, tokens), Context.WHOLE));
    }

    @Override
    public Tensor losses(Pass pass, Tensor tokens, Tensor targets) {
        return lossesOf(pass, hidden(pass, embed(pass, tokens), Context.WHOLE), targets);
    }

    /** {@inheritDoc} Moments, averages, chunks and positions begin with each. */
    @Override
    public Tensor logits(Pass pass, Tensor tokens, Documents documents) {
        return logitsOf(pass, hidden(pass, tokens, documents));
    }

    @Override
    public Tensor losses(Pass pass, Tensor tokens, Tensor targets, Documents documents) {
        return lossesOf(pass, hidden(pass, tokens, documents), targets);
    }

    private Tensor hidden(Pass pass, Tensor tokens, Documents documents) {
        if (documents.batch() != 1 && documents.batch() != tokens.size(0)) {
            throw new IllegalArgumentException("documents must be given once or for each sequence: documents="
                    + documents.batch() + ", tokens=" + tokens);
        }
        return hidden(pass, embed(pass, tokens), Context.packed(documents, config.chunk(), tokens.size(1)));
    }

    @Override
    public Tensor logitsOf(Pass pass, Tensor hidden) {
        return output == null ? Gemm.linear(pass, hidden, embedding.weight(), null) : output.apply(pass, hidden);
    }

    @Override
    public MegalodonState start(TensorArena arena, long batch) {
        return start(arena, batch, embedding.weight().dtype());
    }

    @Override
    public MegalodonState start(TensorArena arena, long batch, DType caches) {
        return MegalodonState.start(this, arena, batch, caches);
    }

    @Override
    public MegalodonState restore(TensorArena arena, Map<String, Tensor> saved) {
        return MegalodonState.restore(this, arena, saved);
    }

    @Override
    public Hidden<MegalodonState> hidden(Pass pass, MegalodonState state, Tensor embedded) {
        long position = state.position();
        MegalodonState next = state.consume(embedded, embedded.size(1));
        Tensor x = embedded;
        for (int i = 0; i < layers.size(); i++) {
            x = layers.get(i).apply(pass, x, Context.after(next.memory(i), position));
        }
        SequenceNorm.Output normed = norm.apply(pass, x, next.moments(), null, 0, null);
        Memory.take(next.moments(), normed.last());
        return new Hidden<>(normed.y(), next);
    }

    /**
     * The state with the moments of all norms replaced by those of {@code recent} tokens alone, seen from a fresh start: the
     * released code does so every two chunks from the eighth on, with the last six. Averages and keys stay. Consumes the state.
     */
    public MegalodonState recount(Pass pass, MegalodonState state, Tensor recent) {
        MegalodonState next = state.consume(recent, 0);
        Tensor x = embed(pass, recent);
        for (int i = 0; i < layers.size(); i++) {
            MegalodonBlock.Counted counted = layers.get(i).counted(pass, x);
            Memory.take(next.memory(i).moments(), counted.moments());
            x = counted.y();
        }
        Memory.take(next.moments(), norm.apply(pass, x, null, null, 0, null).last());
        return next;
    }

    private Tensor hidden(Pass pass, Tensor embedded, Context context) {
        if (embedded.rank() != 3 || embedded.size(1) == 0 || embedded.size(2) != config.width()) {
            throw new IllegalArgumentException("embedded must be [batch, at least one row, " + config.width()
                    + "]: embedded=" + embedded);
        }
        Tensor x = Elementwise.dropout(pass, config.dropouts().residual(), embedded);
        Tensor last = checkpoints.states(pass, layers, x, (inner, layer, in) -> layer.apply(inner, in, context)).getLast();
        return norm.apply(pass, last, null, context.documents(), 0, context.padding()).y();
    }

    private static Context padded(Pass pass, Tensor embedded, Tensor visible) {
        long batch = embedded.size(0);
        long rows = embedded.size(1);
        if (visible.rank() != 3 || visible.size(1) != 1 || visible.size(2) != rows || visible.size(0) != 1
                && visible.size(0) != batch) {
            throw new IllegalArgumentException("visible must be [batch or 1, 1, " + rows + "]: visible=" + visible);
        }
        Tensor padding = pass.allocate(DType.U8, batch, rows);
        long[] shown = visible.toLongs();
        long[] hidden = new long[Math.toIntExact(batch * rows)];
        for (int i = 0; i < hidden.length; i++) {
            hidden[i] = shown[i % shown.length] == 0 ? 1 : 0;
        }
        return Context.padded(visible, padding.set(hidden));
    }
}
