package dev.longspan.rmt;

import dev.longspan.nn.SavedState;
import dev.longspan.nn.StreamState;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * What an RMT still needs of the tokens before: its memory and, in the decoder layout, the tokens of the segment in hand; as
 * much after a million tokens as after one. Serves one thread at a time; a state that {@code next} has consumed throws
 * IllegalStateException.
 */
public final class RmtState implements StreamState {

    private final Held held;
    private final long position;
    private final long version;

    /** The memory that all versions of a state share; only the latest may use it. */
    private static final class Held {
        private final Tensor position;
        private final Tensor model;
        private final Tensor memory;
        private final Tensor tokens;
        private long version;

        Held(Tensor position, Tensor model, Tensor memory, Tensor tokens) {
            this.position = position;
            this.model = model;
            this.memory = memory;
            this.tokens = tokens;
        }
    }

    private RmtState(Held held, long position) {
        this.held = held;
        this.position = position;
        this.version = held.version;
        held.position.set(new long[] {position, batch()});
    }

    private static RmtState empty(long fingerprint, TensorArena arena, DType dtype, long[] memory, long segment) {
        return new RmtState(new Held(arena.allocate(DType.I64, 2), arena.allocate(DType.I64, 1).set(new long[] {fingerprint}),
                arena.allocate(dtype, memory), arena.allocate(DType.I64, memory[0], segment)), 0);
    }

    /** The learned memory for each of {@code batch} sequences, with room for {@code segment} tokens. */
    static RmtState start(long fingerprint, Tensor memory, TensorArena arena, long batch, long segment) {
        if (batch <= 0) {
            throw new IllegalArgumentException("batch must be positive: batch=" + batch);
        }
        RmtState state = empty(fingerprint, arena, memory.dtype(), new long[] {batch, memory.size(0), memory.size(1)}, segment);
        for (long b = 0; b < batch; b++) {
            state.held.memory.select(0, b).copyFrom(memory);
        }
        return state;
    }

    static RmtState restore(long fingerprint, Tensor memory, TensorArena arena, Map<String, Tensor> tensors, long segment) {
        SavedState saved = SavedState.of(tensors);
        SavedState.Place place = saved.place();
        saved.checkModel(fingerprint);
        RmtState state = start(fingerprint, memory, arena, place.batch(), segment);
        saved.copy("memory", state.held.memory, place.rows());
        saved.copy("tokens", state.held.tokens, place.rows());
        return new RmtState(state.held, place.position());
    }

    @Override
    public long position() {
        return position;
    }

    /** Number of sequences. */
    public long batch() {
        return held.memory.size(0);
    }

    /** The memory of each sequence, [B, m, d]: in this state, not a copy. */
    public Tensor memory() {
        checkLatest();
        return held.memory;
    }

    /** Room for the tokens of the segment in hand: [B, S], the first {@code position mod S} of them filled. */
    Tensor tokens() {
        return held.tokens;
    }

    @Override
    public Map<String, Tensor> tensors() {
        checkLatest();
        Map<String, Tensor> named = new LinkedHashMap<>();
        named.put(POSITION, held.position);
        named.put(MODEL, held.model);
        named.put("memory", held.memory);
        named.put("tokens", held.tokens);
        return named;
    }

    @Override
    public RmtState select(TensorArena arena, int... rows) {
        checkLatest();
        for (int row : rows) {
            if (row < 0 || row >= batch()) {
                throw new IllegalArgumentException("rows must lie in the batch: row=" + row + ", batch=" + batch());
            }
        }
        RmtState copy = empty(held.model.toLongs()[0], arena, held.memory.dtype(),
                new long[] {rows.length, held.memory.size(1), held.memory.size(2)}, held.tokens.size(1));
        IntStream.range(0, rows.length).forEach(i -> {
            copy.held.memory.select(0, i).copyFrom(held.memory.select(0, rows[i]));
            copy.held.tokens.select(0, i).copyFrom(held.tokens.select(0, rows[i]));
        });
        return new RmtState(copy.held, position);
    }

    /** The state behind {@code tokens} more; this one may not be used any more. */
    RmtState consume(Tensor tokens) {
        if (tokens.rank() != 2 || tokens.size(0) != batch() || tokens.size(1) == 0) {
            throw new IllegalArgumentException("tokens must be [" + batch() + ", at least one]: tokens=" + tokens);
        }
        return at(position + tokens.size(1));
    }

    /** The state at a later position; this one may not be used any more. */
    RmtState at(long next) {
        checkLatest();
        held.version++;
        return new RmtState(held, next);
    }

    private void checkLatest() {
        if (version != held.version) {
            throw new IllegalStateException("the state was consumed by next: use the one that it returned");
        }
    }
}
