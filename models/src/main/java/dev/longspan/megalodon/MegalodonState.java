package dev.longspan.megalodon;

import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.kernel.Moments;
import dev.longspan.nn.Fingerprint;
import dev.longspan.nn.SavedState;
import dev.longspan.nn.SegmentCache;
import dev.longspan.nn.StreamPlace;
import dev.longspan.nn.StreamState;
import dev.longspan.nn.TimestepNorm;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a MEGALODON still needs of the tokens before, as much after a million of them as after one chunk: moments of the
 * norms, moving averages, keys and values of the current chunk. Serves one thread at a time; a state that {@code next} has
 * consumed throws IllegalStateException.
 */
public final class MegalodonState implements StreamState {

    private final StreamPlace place;
    private final List<Memory> layers;
    private final @Nullable Moments last;

    private MegalodonState(StreamPlace place, List<Memory> layers, @Nullable Moments last) {
        this.place = place;
        this.layers = List.copyOf(layers);
        this.last = last;
    }

    static MegalodonState start(Megalodon model, TensorArena arena, long batch, DType caches) {
        return empty(model, arena, StreamPlace.start(arena, batch, fingerprint(model)), caches);
    }

    static MegalodonState restore(Megalodon model, TensorArena arena, Map<String, Tensor> tensors) {
        SavedState saved = SavedState.of(tensors);
        MegalodonState state = empty(model, arena, StreamPlace.restore(arena, saved, fingerprint(model)),
                saved.caches(model.embedding().weight().dtype()));
        return state.filled(saved, saved.place().rows());
    }

    private static MegalodonState empty(Megalodon model, TensorArena arena, StreamPlace place, DType caches) {
        MegalodonConfig config = model.config();
        DType dtype = model.embedding().weight().dtype();
        long batch = place.batch();
        SegmentCache.Shape shape = new SegmentCache.Shape(batch, config.heads(), config.keyDim(), config.valueDim());
        List<Memory> layers = new ArrayList<>();
        try (Workspace workspace = new Workspace();
                Pass pass = Pass.inference(Backend.named("scalar"), Parallel.of(1), workspace)) {
            for (MegalodonBlock layer : model.layers()) {
                layers.add(new Memory(moments(model, arena, batch),
                        arena.allocate(dtype, batch, config.modes(), 2, config.width()),
                        layer.attention().ema().onHost().coefficients(pass).copy(arena),
                        SegmentCache.chunked(arena, config.chunk(), caches, shape)));
            }
        }
        return new MegalodonState(place.withCaches(arena, dtype, caches), layers, moments(model, arena, batch));
    }

    /** Zero timesteps of any moments: before the first row they have no weight. */
    private static @Nullable Moments moments(Megalodon model, TensorArena arena, long batch) {
        return model.norm() instanceof TimestepNorm norm ? new Moments(arena.allocate(DType.I64, batch),
                arena.allocate(DType.F64, batch, norm.groups()), arena.allocate(DType.F64, batch, norm.groups())) : null;
    }

    private static long fingerprint(Megalodon model) {
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
        for (int i = 0; i < layers.size(); i++) {
            String prefix = layer(i) + ".";
            layers.get(i).tensors().forEach((name, tensor) -> named.put(prefix + name, tensor));
        }
        named.putAll(Memory.tensors(last));
        return named;
    }

    @Override
    public MegalodonState select(TensorArena arena, int... rows) {
        return new MegalodonState(place.select(arena, rows),
                layers.stream().map(memory -> memory.fresh(arena, rows.length)).toList(),
                last == null ? null : Memory.fresh(last, arena, rows.length)).filled(SavedState.of(tensors()), rows);
    }

    private MegalodonState filled(SavedState saved, int... rows) {
        for (int i = 0; i < layers.size(); i++) {
            layers.get(i).fill(saved.within(layer(i)), position(), rows);
        }
        Memory.tensors(last).forEach((name, tensor) -> saved.copy(name, tensor, rows));
        return this;
    }

    Memory memory(int layer) {
        return layers.get(layer);
    }

    @Nullable Moments moments() {
        return last;
    }

    /** The state so many steps behind this one, after tokens for its batch; this one may not be used any more. */
    MegalodonState consume(Tensor tokens, long steps) {
        place.check(tokens);
        return new MegalodonState(place.advance(steps), layers, last);
    }

    private static String layer(int number) {
        return "layers." + number;
    }
}
