package dev.longspan.rmt;

import dev.longspan.nn.SavedState;
import dev.longspan.nn.StreamPlace;
import dev.longspan.nn.StreamState;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What an RMT still needs of the tokens before: its memory and, in the decoder layout, the tokens of the segment in hand; as
 * much after a million tokens as after one, but for a backbone's own state where that is carried. Serves one thread at a time; a state that {@code next} has consumed throws
 * IllegalStateException.
 */
public final class RmtState implements StreamState {

    private static final String MEMORY = "memory";
    private static final String TOKENS = "tokens";

    private final StreamPlace place;
    private final Tensor memory;
    private final Tensor tokens;
    private final @Nullable CarriedState<?> backbone;

    private RmtState(StreamPlace place, Tensor memory, Tensor tokens, @Nullable CarriedState<?> backbone) {
        this.place = place;
        this.memory = memory;
        this.tokens = tokens;
        this.backbone = backbone;
    }

    private static RmtState empty(StreamPlace place, TensorArena arena, DType dtype, long[] memory, long segment,
            @Nullable CarriedState<?> backbone) {
        return new RmtState(place, arena.allocate(dtype, place.batch(), memory[0], memory[1]),
                arena.allocateOnHost(DType.I64, place.batch(), segment), backbone);
    }

    /** The learned memory for each of {@code batch} sequences, with room for {@code segment} tokens. */
    static RmtState start(long fingerprint, Tensor memory, TensorArena arena, long batch, long segment,
            @Nullable CarriedState<?> backbone) {
        RmtState state = empty(StreamPlace.start(arena, batch, fingerprint), arena, memory.dtype(), memory.shape(), segment,
                backbone);
        for (long b = 0; b < batch; b++) {
            state.memory.select(0, b).copyFrom(memory);
        }
        return state;
    }

    /** The state that a saved one was, once its model is known to be this; {@code backbone} reads the backbone's own. */
    static RmtState restore(long fingerprint, Tensor memory, TensorArena arena, Map<String, Tensor> tensors, long segment,
            Function<Map<String, Tensor>, @Nullable CarriedState<?>> backbone) {
        SavedState saved = SavedState.of(tensors);
        StreamPlace place = StreamPlace.restore(arena, saved, fingerprint);
        return empty(place, arena, memory.dtype(), memory.shape(), segment, backbone.apply(tensors))
                .filled(saved, saved.place().rows());
    }

    @Override
    public long position() {
        return place.position();
    }

    /** Number of sequences. */
    public long batch() {
        return place.batch();
    }

    /** The memory of each sequence, [B, m, d]: in this state, not a copy. */
    public Tensor memory() {
        place.checkLatest();
        return memory;
    }

    /** Room for the tokens of the segment in hand: [B, S], the first {@code position mod S} of them filled. */
    Tensor tokens() {
        return tokens;
    }

    @Nullable CarriedState<?> backbone() {
        return backbone;
    }

    @Override
    public Map<String, Tensor> tensors() {
        Map<String, Tensor> named = place.tensors();
        named.put(MEMORY, memory);
        named.put(TOKENS, tokens);
        if (backbone != null) {
            named.putAll(backbone.tensors());
        }
        return named;
    }

    @Override
    public RmtState select(TensorArena arena, int... rows) {
        return empty(place.select(arena, rows), arena, memory.dtype(), new long[] {memory.size(1), memory.size(2)},
                tokens.size(1), backbone == null ? null : backbone.select(arena, rows)).filled(SavedState.of(tensors()), rows);
    }

    private RmtState filled(SavedState saved, int... rows) {
        saved.copy(MEMORY, memory, rows);
        saved.copy(TOKENS, tokens, rows);
        return this;
    }

    /** The state behind {@code given} tokens more; this one may not be used any more. */
    RmtState consume(Tensor given) {
        place.check(given);
        return advance(given.size(1));
    }

    /** The state behind so many tokens more; this one may not be used any more. */
    RmtState advance(long more) {
        return new RmtState(place.advance(more), memory, tokens, backbone);
    }

    /** The same state, its backbone further on. */
    RmtState with(CarriedState<?> further) {
        return new RmtState(place, memory, tokens, further);
    }
}
