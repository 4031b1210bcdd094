package dev.longspan.nn;

import dev.longspan.autograd.Pass;
import dev.longspan.kernel.AttentionPlan;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.Map;

/** Keys and values that queries to come may still see, of one layer; they lie in the arena of its maker. */
public interface KeyValueCache {

    /** Takes in rows that begin at {@code position}, and attends from them: [B, n, H, D]. */
    Tensor attend(Pass pass, AttentionPlan plan, SelfAttention.Heads rows, long position);

    /** Its tensors by name. */
    Map<String, Tensor> tensors();

    /** An empty cache of the same kind. */
    KeyValueCache fresh(TensorArena arena, long batch);

    /**
     * Copies sequence {@code rows[i]} of what a cache had saved behind {@code position} rows to sequence i of this one, which
     * must be empty; throws IllegalArgumentException where something is missing or different.
     */
    void fill(SavedState saved, long position, int... rows);
}
