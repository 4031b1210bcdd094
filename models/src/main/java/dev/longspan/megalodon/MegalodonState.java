package dev.longspan.megalodon;

import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.kernel.Moments;
import dev.longspan.nn.Fingerprint;
import dev.longspan.nn.SavedState;
import dev.longspan.nn.SegmentCache;
import dev.longspan.nn.StreamState;
import dev.longspan.nn.TimestepNorm;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a MEGALODON still needs of the tokens before, as much after a million of them as after one chunk: moments of the
 * norms, moving averages, keys and values of the current chunk. Serves one thread at a time; a state that {@code next} has
 * consumed throws IllegalStateException.
 */
public final class MegalodonState implements StreamState {

    private final Held held;
    private final long position;
    private final long version;

    /** The memory that all versions of a state share; only the latest may use it. */
    private static final class Held {
        private final Tensor position;
        private final Tensor model;
        private final List<Memory> layers;
        private final @Nullable Moments last;
        private long version;

        Held(TensorArena arena, long batch, long fingerprint, List<Memory> layers, @Nullable Moments last) {
            this.position = arena.allocate(DType.I64, 2).set(new long[] {0, batch});
            this.model = arena.allocate(DType.I64, 1).set(new long[] {fingerprint});
            this.layers = layers;
            this.last = last;
        }
    }

    private MegalodonState(Held held, long position) {
        this.held = held;
        this.position = position;
        this.version = held.version;
        held.position.set(new long[] {position, batch()});
    }

    static MegalodonState start(Megalodon model, TensorArena arena, long batch) {
        if (batch <= 0) {
            throw new IllegalArgumentException("batch must be positive: batch=" + batch);
        }
        MegalodonConfig config = model.config();
        DType dtype = model.embedding().weight().dtype();
        SegmentCache.Shape shape = new SegmentCache.Shape(batch, config.heads(), config.keyDim(), config.valueDim());
        List<Memory> layers = new ArrayList<>();
        try (Workspace workspace = new Workspace();
                Pass pass = Pass.inference(Backend.named("scalar"), Parallel.of(1), workspace)) {
            for (MegalodonBlock layer : model.layers()) {
                layers.add(new Memory(moments(model, arena, batch),
                        arena.allocate(dtype, batch, config.modes(), 2, config.width()),
                        layer.attention().ema().coefficients(pass).copy(arena),
                        SegmentCache.chunked(arena, config.chunk(), dtype, shape)));
            }
        }
        return new MegalodonState(new Held(arena, batch, fingerprint(model), layers, moments(model, arena, batch)), 0);
    }

    /** Zero timesteps of any moments: before the first row they have no weight. */
    private static @Nullable Moments moments(Megalodon model, TensorArena arena, long batch) {
        return model.norm() instanceof TimestepNorm norm ? new Moments(arena.allocate(DType.I64, batch),
                arena.allocate(DType.F64, batch, norm.groups()), arena.allocate(DType.F64, batch, norm.groups())) : null;
    }

    static MegalodonState restore(Megalodon model, TensorArena arena, Map<String, Tensor> tensors) {
        SavedState saved = SavedState.of(tensors);
        SavedState.Place place = saved.place();
        saved.checkModel(fingerprint(model));
        MegalodonState state = start(model, arena, place.batch());
        state.fill(saved, place.position(), place.rows());
        return new MegalodonState(state.held, place.position());
    }

    private static long fingerprint(Megalodon model) {
        return Fingerprint.of(model, model.settings());
    }

    @Override
    public long position() {
        return position;
    }

    /** Number of sequences. */
    public long batch() {
        return held.position.toLongs()[1];
    }

    @Override
    public Map<String, Tensor> tensors() {
        checkLatest();
        Map<String, Tensor> named = new LinkedHashMap<>();
        named.put(POSITION, held.position);
        named.put(MODEL, held.model);
        for (int i = 0; i < held.layers.size(); i++) {
            String prefix = layer(i) + ".";
            held.layers.get(i).tensors().forEach((name, tensor) -> named.put(prefix + name, tensor));
        }
        named.putAll(Memory.tensors(held.last));
        return named;
    }

    @Override
    public MegalodonState select(TensorArena arena, int... rows) {
        checkLatest();
        for (int row : rows) {
            if (row < 0 || row >= batch()) {
                throw new IllegalArgumentException("rows must lie in the batch: row=" + row + ", batch=" + batch());
            }
        }
        List<Memory> layers = held.layers.stream().map(memory -> memory.fresh(arena, rows.length)).toList();
        Moments last = held.last == null ? null : Memory.fresh(held.last, arena, rows.length);
        MegalodonState copy = new MegalodonState(new Held(arena, rows.length, held.model.toLongs()[0], layers, last), position);
        copy.fill(SavedState.of(tensors()), position, rows);
        return copy;
    }

    private void fill(SavedState saved, long position, int... rows) {
        for (int i = 0; i < held.layers.size(); i++) {
            held.layers.get(i).fill(saved.within(layer(i)), position, rows);
        }
        Memory.tensors(held.last).forEach((name, tensor) -> saved.copy(name, tensor, rows));
    }

    Memory memory(int layer) {
        return held.layers.get(layer);
    }

    @Nullable Moments moments() {
        return held.last;
    }

    /** The state at a later position or the same; this one may not be used any more. */
    MegalodonState consume(Tensor tokens, long next) {
        checkLatest();
        if (tokens.rank() != 2 || tokens.size(0) != batch() || tokens.size(1) == 0) {
            throw new IllegalArgumentException("tokens must be [" + batch() + ", at least one]: tokens=" + tokens);
        }
        held.version++;
        return new MegalodonState(held, next);
    }

    private void checkLatest() {
        if (version != held.version) {
            throw new IllegalStateException("the state was consumed by next: use the one that it returned");
        }
    }

    private static String layer(int number) {
        return "layers." + number;
    }
}
