package dev.longspan.longnet;

import dev.longspan.kernel.AttentionPattern;
import dev.longspan.nn.Fingerprint;
import dev.longspan.nn.GrowingCache;
import dev.longspan.nn.KeyValueCache;
import dev.longspan.nn.SavedState;
import dev.longspan.nn.SegmentCache;
import dev.longspan.nn.StreamState;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a LongNet still needs of the tokens before: keys and values of each layer, bounded by {@code Σ ⌈w/r⌉} rows a head
 * with dilated attention. Serves one thread at a time; a state that {@code next} has consumed throws IllegalStateException.
 */
public final class LongNetState implements StreamState {

    private final Tensor position;
    private final Tensor model;
    private final long batch;
    private final List<KeyValueCache> caches;
    private final Latest latest;
    private final long version;

    /** The only version that may still be used. */
    private static final class Latest {
        private long version;
    }

    private LongNetState(Tensor position, Tensor model, long batch, List<KeyValueCache> caches, Latest latest) {
        this.position = position;
        this.model = model;
        this.batch = batch;
        this.caches = caches;
        this.latest = latest;
        this.version = latest.version;
    }

    static LongNetState start(LongNet model, TensorArena arena, long batch) {
        if (batch <= 0) {
            throw new IllegalArgumentException("batch must be positive: batch=" + batch);
        }
        DType dtype = model.embedding().weight().dtype();
        List<KeyValueCache> caches = new ArrayList<>();
        for (int i = 0; i < model.config().layers(); i++) {
            caches.add(cache(model.config(), dtype, arena, batch));
        }
        return of(arena, batch, 0, fingerprint(model), caches);
    }

    private static KeyValueCache cache(LongNetConfig config, DType dtype, TensorArena arena, long batch) {
        SegmentCache.Shape shape = new SegmentCache.Shape(batch, config.heads(), config.headDim(), config.headDim());
        return switch (config.pattern()) {
            case AttentionPattern.Dilated dilated -> SegmentCache.dilated(arena, dilated, dtype, shape);
            case AttentionPattern.Dense dense -> SegmentCache.dense(arena, dtype, shape);
            default -> new GrowingCache(arena, dtype, batch, config.heads(), config.headDim());
        };
    }

    static LongNetState restore(LongNet model, TensorArena arena, Map<String, Tensor> tensors) {
        SavedState saved = SavedState.of(tensors);
        SavedState.Place place = saved.place();
        saved.checkModel(fingerprint(model));
        LongNetState state = start(model, arena, place.batch());
        state.position.set(new long[] {place.position(), place.batch()});
        for (int i = 0; i < state.caches.size(); i++) {
            state.caches.get(i).fill(saved.within(layer(i)), place.position(), place.rows());
        }
        return state;
    }

    private static LongNetState of(TensorArena arena, long batch, long position, long fingerprint, List<KeyValueCache> caches) {
        Tensor at = arena.allocate(DType.I64, 2).set(new long[] {position, batch});
        Tensor owner = arena.allocate(DType.I64, 1).set(new long[] {fingerprint});
        return new LongNetState(at, owner, batch, List.copyOf(caches), new Latest());
    }

    private static long fingerprint(LongNet model) {
        return Fingerprint.of(model, model.settings());
    }

    @Override
    public long position() {
        return position.toLongs()[0];
    }

    /** Number of sequences. */
    public long batch() {
        return batch;
    }

    @Override
    public Map<String, Tensor> tensors() {
        checkLatest();
        Map<String, Tensor> named = new LinkedHashMap<>();
        named.put(POSITION, position);
        named.put(MODEL, model);
        for (int i = 0; i < caches.size(); i++) {
            String prefix = layer(i) + ".";
            caches.get(i).tensors().forEach((name, tensor) -> named.put(prefix + name, tensor));
        }
        return named;
    }

    @Override
    public LongNetState select(TensorArena arena, int... rows) {
        checkLatest();
        for (int row : rows) {
            if (row < 0 || row >= batch) {
                throw new IllegalArgumentException("rows must lie in the batch: row=" + row + ", batch=" + batch);
            }
        }
        List<KeyValueCache> copies = caches.stream().map(cache -> {
            KeyValueCache copy = cache.fresh(arena, rows.length);
            copy.fill(SavedState.of(cache.tensors()), position(), rows);
            return copy;
        }).toList();
        return of(arena, rows.length, position(), model.toLongs()[0], copies);
    }

    KeyValueCache cache(int layer) {
        return caches.get(layer);
    }

    void check(Tensor tokens) {
        checkLatest();
        if (tokens.rank() != 2 || tokens.size(0) != batch || tokens.size(1) == 0) {
            throw new IllegalArgumentException("tokens must be [" + batch + ", at least one]: tokens=" + tokens);
        }
    }

    /** The state behind {@code tokens} more; this one is of no use any more. */
    LongNetState advance(long tokens) {
        position.set(new long[] {position() + tokens, batch});
        latest.version++;
        return new LongNetState(position, model, batch, caches, latest);
    }

    private void checkLatest() {
        if (version != latest.version) {
            throw new IllegalStateException("the state was consumed by next: use the one that it returned");
        }
    }

    private static String layer(int number) {
        return "layers." + number;
    }
}
