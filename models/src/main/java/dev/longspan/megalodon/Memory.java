package dev.longspan.megalodon;

import dev.longspan.kernel.Moments;
import dev.longspan.nn.KeyValueCache;
import dev.longspan.nn.SavedState;
import dev.longspan.op.Scan;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What one layer carries from row to row, in the arena of its state.
 *
 * @param moments of its timestep norm, if it has one
 * @param average s of its moving average, [B, n, 2, d]
 * @param coefficients of that average: a function of the weights, so that it is not saved
 * @param cache keys and values of the current chunk
 */
record Memory(@Nullable Moments moments, Tensor average, Scan.Coefficients coefficients, KeyValueCache cache) {

    private static final String CACHE = "cache";

    /** What the layer's rows left behind. */
    void take(GatedAttention.Output output) {
        take(moments, output.moments());
        average.copyFrom(output.average());
    }

    static void take(@Nullable Moments into, @Nullable Moments from) {
        if (into != null && from != null) {
            into.count().copyFrom(from.count());
            into.mean().copyFrom(from.mean());
            into.var().copyFrom(from.var());
        }
    }

    /** As many tensors for another batch. */
    Memory fresh(TensorArena arena, long batch) {
        return new Memory(moments == null ? null : fresh(moments, arena, batch), fresh(average, arena, batch),
                coefficients.copy(arena), cache.fresh(arena, batch));
    }

    static Moments fresh(Moments like, TensorArena arena, long batch) {
        return new Moments(fresh(like.count(), arena, batch), fresh(like.mean(), arena, batch), fresh(like.var(), arena, batch));
    }

    private static Tensor fresh(Tensor like, TensorArena arena, long batch) {
        long[] shape = like.shape();
        shape[0] = batch;
        return arena.allocate(like.dtype(), shape);
    }

    /** What is saved, by name. */
    Map<String, Tensor> tensors() {
        Map<String, Tensor> named = own();
        cache.tensors().forEach((name, tensor) -> named.put(CACHE + "." + name, tensor));
        return named;
    }

    static Map<String, Tensor> tensors(@Nullable Moments moments) {
        Map<String, Tensor> named = new LinkedHashMap<>();
        if (moments != null) {
            named.put("norm.count", moments.count());
            named.put("norm.mean", moments.mean());
            named.put("norm.var", moments.var());
        }
        return named;
    }

    /** Copies sequence {@code rows[i]} of what was saved behind {@code position} rows to sequence i. */
    void fill(SavedState saved, long position, int... rows) {
        own().forEach((name, tensor) -> saved.copy(name, tensor, rows));
        cache.fill(saved.within(CACHE), position, rows);
    }

    private Map<String, Tensor> own() {
        Map<String, Tensor> named = tensors(moments);
        named.put("average", average);
        return named;
    }
}
