package dev.longspan.longnet;

import dev.longspan.kernel.AttentionPattern;
import dev.longspan.nn.GrowingCache;
import dev.longspan.nn.KeyValueCache;
import dev.longspan.nn.SegmentCache;
import dev.longspan.nn.StreamState;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * What a LongNet still needs of the tokens before: keys and values of each layer, bounded by {@code Σ ⌈w/r⌉} rows a head
 * with dilated attention. Serves one thread at a time; a state that {@code next} has consumed throws IllegalStateException.
 */
public final class LongNetState implements StreamState {

    private final Tensor position;
    private final long batch;
    private final List<KeyValueCache> caches;
    private final Latest latest;
    private final long version;

    /** The only version that may still be used. */
    private static final class Latest {
        private long version;
    }

    private LongNetState(Tensor position, long batch, List<KeyValueCache> caches, Latest latest) {
        this.position = position;
        this.batch = batch;
        this.caches = caches;
        this.latest = latest;
        this.version = latest.version;
    }

    static LongNetState start(LongNetConfig config, DType dtype, TensorArena arena, long batch) {
        if (batch <= 0) {
            throw new IllegalArgumentException("batch must be positive: batch=" + batch);
        }
        List<KeyValueCache> caches = new ArrayList<>();
        for (int i = 0; i < config.layers(); i++) {
            caches.add(cache(config, dtype, arena, batch));
        }
        return of(arena, batch, 0, caches);
    }

    private static KeyValueCache cache(LongNetConfig config, DType dtype, TensorArena arena, long batch) {
        SegmentCache.Shape shape = new SegmentCache.Shape(batch, config.heads(), config.headDim(), config.headDim());
        return switch (config.pattern()) {
            case AttentionPattern.Dilated dilated -> SegmentCache.dilated(arena, dilated, dtype, shape);
            case AttentionPattern.Dense dense -> SegmentCache.dense(arena, dtype, shape);
            default -> new GrowingCache(arena, dtype, batch, config.heads(), config.headDim());
        };
    }

    static LongNetState restore(LongNetConfig config, DType dtype, TensorArena arena, Map<String, Tensor> saved) {
        Tensor at = saved.get("position");
        if (at == null || at.elements() != 2) {
            throw new IllegalArgumentException("the saved state must have position with two elements: position=" + at);
        }
        long[] values = at.toLongs();
        LongNetState state = start(config, dtype, arena, values[1]);
        state.position.set(values);
        for (int i = 0; i < state.caches.size(); i++) {
            state.caches.get(i).fill(below(prefix(i), saved), IntStream.range(0, (int) values[1]).toArray());
        }
        return state;
    }

    private static LongNetState of(TensorArena arena, long batch, long position, List<KeyValueCache> caches) {
        Tensor at = arena.allocate(DType.I64, 2).set(new long[] {position, batch});
        return new LongNetState(at, batch, List.copyOf(caches), new Latest());
    }

    @Override
    public long position() {
        return position.toLongs()[0];
    }

    /** Number of sequences. */
    public long batch() {
        return batch;
    }

    /** {@inheritDoc} {@code position} holds the position and the batch; a filled state continues where the saved one stood. */
    @Override
    public Map<String, Tensor> tensors() {
        checkLatest();
        Map<String, Tensor> named = new LinkedHashMap<>();
        named.put("position", position);
        for (int i = 0; i < caches.size(); i++) {
            String prefix = prefix(i);
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
            copy.fill(cache.tensors(), rows);
            return copy;
        }).toList();
        return of(arena, rows.length, position(), copies);
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
        return new LongNetState(position, batch, caches, latest);
    }

    private void checkLatest() {
        if (version != latest.version) {
            throw new IllegalStateException("the state was consumed by next: use the one that it returned");
        }
    }

    private static Map<String, Tensor> below(String prefix, Map<String, Tensor> tensors) {
        Map<String, Tensor> found = new LinkedHashMap<>();
        tensors.forEach((name, tensor) -> {
            if (name.startsWith(prefix)) {
                found.put(name.substring(prefix.length()), tensor);
            }
        });
        return found;
    }

    private static String prefix(int layer) {
        return "layers." + layer + ".";
    }
}
