package dev.longspan.longnet;

import dev.longspan.kernel.AttentionPattern;
import dev.longspan.nn.Fingerprint;
import dev.longspan.nn.GrowingCache;
import dev.longspan.nn.KeyValueCache;
import dev.longspan.nn.SavedState;
import dev.longspan.nn.SegmentCache;
import dev.longspan.nn.StreamPlace;
import dev.longspan.nn.StreamState;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * What a LongNet still needs of the tokens before: keys and values of each layer, bounded by {@code Σ ⌈w/r⌉} rows a head
 * with dilated attention. Serves one thread at a time; a state that {@code next} has consumed throws IllegalStateException.
 */
public final class LongNetState implements StreamState {

    private final StreamPlace place;
    private final List<KeyValueCache> caches;

    private LongNetState(StreamPlace place, List<KeyValueCache> caches) {
        this.place = place;
        this.caches = List.copyOf(caches);
    }

    static LongNetState start(LongNet model, TensorArena arena, long batch, DType caches) {
        return empty(model, arena, StreamPlace.start(arena, batch, fingerprint(model)), caches);
    }

    static LongNetState restore(LongNet model, TensorArena arena, Map<String, Tensor> tensors) {
        SavedState saved = SavedState.of(tensors);
        LongNetState state = empty(model, arena, StreamPlace.restore(arena, saved, fingerprint(model)),
                saved.caches(model.embedding().weight().dtype()));
        return state.filled(saved, saved.place().rows());
    }

    private static LongNetState empty(LongNet model, TensorArena arena, StreamPlace place, DType caches) {
        LongNetConfig config = model.config();
        StreamPlace from = place.withCaches(arena, model.embedding().weight().dtype(), caches);
        return new LongNetState(from, IntStream.range(0, config.layers())
                .mapToObj(i -> cache(config, caches, arena, place.batch())).toList());
    }

    private static KeyValueCache cache(LongNetConfig config, DType dtype, TensorArena arena, long batch) {
        SegmentCache.Shape shape = new SegmentCache.Shape(batch, config.heads(), config.headDim(), config.headDim());
        return switch (config.pattern()) {
            case AttentionPattern.Dilated dilated -> SegmentCache.dilated(arena, dilated, dtype, shape);
            case AttentionPattern.Dense dense -> SegmentCache.dense(arena, dtype, shape);
            default -> new GrowingCache(arena, dtype, batch, config.heads(), config.headDim());
        };
    }

    private static long fingerprint(LongNet model) {
        return Fingerprint.of(model, model.settings());
    }

    @Override
    public long position() {
        return place.position();
    }

    /** Number of sequences. */
    public long batch() {
        return place.batch();
    }

    @Override
    public Map<String, Tensor> tensors() {
        Map<String, Tensor> named = place.tensors();
        for (int i = 0; i < caches.size(); i++) {
            String prefix = layer(i) + ".";
            caches.get(i).tensors().forEach((name, tensor) -> named.put(prefix + name, tensor));
        }
        return named;
    }

    @Override
    public LongNetState select(TensorArena arena, int... rows) {
        return new LongNetState(place.select(arena, rows), caches.stream().map(cache -> cache.fresh(arena, rows.length)).toList())
                .filled(SavedState.of(tensors()), rows);
    }

    private LongNetState filled(SavedState saved, int... rows) {
        for (int i = 0; i < caches.size(); i++) {
            caches.get(i).fill(saved.within(layer(i)), position(), rows);
        }
        return this;
    }

    KeyValueCache cache(int layer) {
        return caches.get(layer);
    }

    StreamPlace place() {
        return place;
    }

    /** The state behind {@code rows} more; this one may not be used any more. */
    LongNetState advance(long rows) {
        return new LongNetState(place.advance(rows), caches);
    }

    private static String layer(int number) {
        return "layers." + number;
    }
}
