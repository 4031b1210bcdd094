package dev.longspan.nn;

import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Where the sequences of a {@link StreamState} stand, and whether it may still be used: a state shares its memory with all that
 * followed it, and only the latest may touch it. Position and model are tensors, saved with the others.
 */
public final class StreamPlace {

    private final Tensor position;
    private final Tensor model;
    private final Latest latest;
    private final long version;
    private final @Nullable Tensor caches;

    /** The only version that may still be used. */
    private static final class Latest {
        private long version;
    }

    private StreamPlace(Tensor position, Tensor model, Latest latest, @Nullable Tensor caches) {
        this.position = position;
        this.model = model;
        this.latest = latest;
        this.version = latest.version;
        this.caches = caches;
    }

    /** Before the first token of {@code batch} sequences of the model with this {@link Fingerprint}. */
    public static StreamPlace start(TensorArena arena, long batch, long fingerprint) {
        return at(arena, 0, batch, fingerprint);
    }

    /** Where a saved state of the same model stood; throws IllegalArgumentException for one of another. */
    public static StreamPlace restore(TensorArena arena, SavedState saved, long fingerprint) {
        SavedState.Place place = saved.place();
        saved.checkModel(fingerprint);
        return at(arena, place.position(), place.batch(), fingerprint);
    }

    private static StreamPlace at(TensorArena arena, long position, long batch, long fingerprint) {
        if (batch <= 0) {
            throw new IllegalArgumentException("batch must be positive: batch=" + batch);
        }
        return new StreamPlace(arena.allocateOnHost(DType.I64, 2).set(new long[] {position, batch}),
                arena.allocateOnHost(DType.I64, 1).set(new long[] {fingerprint}), new Latest(), null);
    }

    /**
     * The place of a state that keeps keys and values as {@code caches}, of a model of dtype {@code own}: the same, or BF16
     * for F32.
     */
    public StreamPlace withCaches(TensorArena arena, DType own, DType caches) {
        if (caches == own) {
            return this;
        }
        if (own != DType.F32 || caches != DType.BF16) {
            throw new IllegalArgumentException("caches must be " + own + (own == DType.F32 ? " or BF16" : "") + ": caches="
                    + caches);
        }
        return keeping(arena, caches);
    }

    private StreamPlace keeping(TensorArena arena, DType dtype) {
        return new StreamPlace(position, model, latest, arena.allocateOnHost(dtype, 0));
    }

    /** Tokens seen so far, by the latest state. */
    public long position() {
        return position.toLongs()[0];
    }

    /** Number of sequences. */
    public long batch() {
        return position.toLongs()[1];
    }

    /** A new map of position and model, for the state's other tensors to follow; only for the latest. */
    public Map<String, Tensor> tensors() {
        checkLatest();
        Map<String, Tensor> named = new LinkedHashMap<>();
        named.put(StreamState.POSITION, position);
        named.put(StreamState.MODEL, model);
        if (caches != null) {
            named.put(StreamState.CACHES, caches);
        }
        return named;
    }

    /** The place of an independent copy that continues these sequences; only for the latest. */
    public StreamPlace select(TensorArena arena, int... rows) {
        checkLatest();
        for (int row : rows) {
            if (row < 0 || row >= batch()) {
                throw new IllegalArgumentException("rows must lie in the batch: row=" + row + ", batch=" + batch());
            }
        }
        StreamPlace copy = at(arena, position(), rows.length, model.toLongs()[0]);
        return caches == null ? copy : copy.keeping(arena, caches.dtype());
    }

    /** Throws unless this is the latest and tokens or their embeddings are [batch, at least one, …]. */
    public void check(Tensor tokens) {
        checkLatest();
        if (tokens.rank() < 2 || tokens.size(0) != batch() || tokens.size(1) == 0) {
            throw new IllegalArgumentException("tokens must be [" + batch() + ", at least one]: tokens=" + tokens);
        }
    }

    /** The place behind {@code tokens} more; this one may not be used any more. */
    public StreamPlace advance(long tokens) {
        checkLatest();
        position.set(new long[] {position() + tokens, batch()});
        latest.version++;
        return new StreamPlace(position, model, latest, caches);
    }

    /** Throws IllegalStateException where a later state exists. */
    public void checkLatest() {
        if (version != latest.version) {
            throw new IllegalStateException("the state was consumed by next: use the one that it returned");
        }
    }
}
