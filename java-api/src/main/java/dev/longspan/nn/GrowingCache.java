package dev.longspan.nn;

import dev.longspan.autograd.Pass;
import dev.longspan.kernel.AttentionPlan;
import dev.longspan.op.Attention;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.LinkedHashMap;
import java.util.Map;

/** Every row of the sequence, for any pattern over positions. Capacity doubles: what it outgrew stays in the arena. */
public final class GrowingCache implements KeyValueCache {

    private static final long FIRST_ROWS = 256;

    private final TensorArena arena;
    private Tensor keys;
    private Tensor values;

    /** An empty cache; {@code shape} is [B, H, D]. */
    public GrowingCache(TensorArena arena, DType dtype, long... shape) {
        this.arena = arena;
        this.keys = arena.allocate(dtype, shape[0], 0, shape[1], shape[2]);
        this.values = arena.allocate(dtype, shape[0], 0, shape[1], shape[2]);
    }

    @Override
    public Tensor attend(Pass pass, AttentionPlan plan, SelfAttention.Heads rows, long position) {
        Tensor q = rows.queries();
        long end = position + q.size(1);
        if (end > keys.size(1)) {
            keys = grown(keys, end);
            values = grown(values, end);
        }
        keys.slice(1, position, end).copyFrom(rows.keys());
        values.slice(1, position, end).copyFrom(rows.values());
        return Attention.apply(pass, plan.withFirstQuery(position), q, keys.slice(1, 0, end), values.slice(1, 0, end)).out();
    }

    private Tensor grown(Tensor old, long needed) {
        long rows = Math.max(Math.max(FIRST_ROWS, 2 * old.size(1)), needed);
        Tensor larger = arena.allocate(old.dtype(), old.size(0), rows, old.size(2), old.size(3));
        larger.slice(1, 0, old.size(1)).copyFrom(old);
        return larger;
    }

    @Override
    public Map<String, Tensor> tensors() {
        Map<String, Tensor> named = new LinkedHashMap<>();
        named.put("keys", keys);
        named.put("values", values);
        return named;
    }

    @Override
    public KeyValueCache fresh(TensorArena into, long batch) {
        return new GrowingCache(into, keys.dtype(), batch, keys.size(2), keys.size(3));
    }

    @Override
    public void fill(SavedState saved, long position, int... rows) {
        Tensor from = saved.tensor("keys");
        if (from.rank() != 4 || from.size(1) < position) {
            throw new IllegalArgumentException("the saved state must have " + saved.prefix() + "keys of at least " + position
                    + " rows: keys=" + from);
        }
        keys = grown(keys, from.size(1)).slice(1, 0, from.size(1));
        values = grown(values, from.size(1)).slice(1, 0, from.size(1));
        saved.copy("keys", keys, rows);
        saved.copy("values", values, rows);
    }
}
