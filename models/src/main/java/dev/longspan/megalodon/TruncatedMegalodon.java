package dev.longspan.megalodon;

import dev.longspan.autograd.Pass;
import dev.longspan.nn.LanguageModel;
import dev.longspan.nn.SavedState;
import dev.longspan.nn.StreamState;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A MEGALODON that forgets its moments as the released code does at inference: from the eighth chunk on, after every second
 * one, the moments of all norms become those of the last six chunks, seen from a fresh start. Costs up to four times as much.
 */
public record TruncatedMegalodon(Megalodon model) implements LanguageModel<TruncatedMegalodon.State> {

    private static final String RECENT = "recent";
    private static final int STEP_CHUNKS = 2;
    private static final int RECENT_CHUNKS = 6;
    private static final int FIRST_CHUNKS = 8;

    /**
     * The model's own state and the tokens of the last six chunks.
     *
     * @param recent I64 [batch, 6·chunk]: position p at column p mod 6·chunk
     */
    public record State(MegalodonState exact, Tensor recent) implements StreamState {

        @Override
        public long position() {
            return exact.position();
        }

        @Override
        public Map<String, Tensor> tensors() {
            Map<String, Tensor> named = new LinkedHashMap<>(exact.tensors());
            named.put(RECENT, recent);
            return named;
        }

        @Override
        public State select(TensorArena arena, int... rows) {
            State copy = new State(exact.select(arena, rows),
                    arena.allocateOnHost(DType.I64, rows.length, recent.size(1)));
            SavedState.of(Map.of(RECENT, recent)).copy(RECENT, copy.recent, rows);
            return copy;
        }
    }

    @Override
    public Map<String, Tensor> parameters() {
        return model.parameters();
    }

    @Override
    public long vocabulary() {
        return model.vocabulary();
    }

    /** {@inheritDoc} The moments are also renewed before the rest of a chunk behind an odd number of them, as in the released code. */
    @Override
    public Tensor logits(Pass pass, Tensor tokens) {
        try (TensorArena arena = new TensorArena(pass.backend().space())) {
            long chunk = model.config().chunk();
            return read(pass, start(arena, tokens.size(0)), tokens, tokens.size(1) / chunk * chunk).logits();
        }
    }

    @Override
    public State start(TensorArena arena, long batch) {
        return new State(model.start(arena, batch),
                arena.allocateOnHost(DType.I64, batch, (long) RECENT_CHUNKS * model.config().chunk()));
    }

    @Override
    public State restore(TensorArena arena, Map<String, Tensor> saved) {
        MegalodonState exact = model.restore(arena, saved);
        Tensor recent = arena.allocateOnHost(DType.I64, exact.batch(), (long) RECENT_CHUNKS * model.config().chunk());
        SavedState.of(saved).copy(RECENT, recent, SavedState.of(saved).place().rows());
        return new State(exact, recent);
    }

    @Override
    public Step<State> next(Pass pass, State state, Tensor tokens) {
        return read(pass, state, tokens, Long.MAX_VALUE);
    }

    private Step<State> read(Pass pass, State state, Tensor tokens, long lastBoundary) {
        long chunk = model.config().chunk();
        Tensor logits = pass.allocate(model.embedding().weight().dtype(), tokens.size(0), tokens.size(1), model.config().outputs());
        MegalodonState exact = state.exact;
        long first = exact.position();
        for (long at = first; at < first + tokens.size(1);) {
            long step = STEP_CHUNKS * chunk;
            if (at >= FIRST_CHUNKS * chunk && (at % step == 0 || at == lastBoundary)) {
                exact = model.recount(pass, exact, inOrder(pass, state.recent, at));
            }
            long end = Math.min(first + tokens.size(1), (at / step + 1) * step);
            end = at < lastBoundary ? Math.min(end, lastBoundary) : end;
            Tensor piece = pass.copyOf(tokens.slice(1, at - first, end - first));
            Step<MegalodonState> read = model.next(pass, exact, piece);
            exact = read.state();
            logits.slice(1, at - first, end - first).copyFrom(read.logits());
            remember(state.recent, piece, at);
            at = end;
        }
        return new Step<>(logits, new State(exact, state.recent));
    }

    private static void remember(Tensor recent, Tensor tokens, long position) {
        for (long i = Math.max(0, tokens.size(1) - recent.size(1)); i < tokens.size(1); i++) {
            recent.select(1, (position + i) % recent.size(1)).copyFrom(tokens.select(1, i));
        }
    }

    private static Tensor inOrder(Pass pass, Tensor recent, long end) {
        long split = end % recent.size(1);
        Tensor ordered = pass.allocateOnHost(DType.I64, recent.shape());
        ordered.slice(1, 0, recent.size(1) - split).copyFrom(recent.slice(1, split, recent.size(1)));
        ordered.slice(1, recent.size(1) - split, recent.size(1)).copyFrom(recent.slice(1, 0, split));
        return ordered;
    }
}
