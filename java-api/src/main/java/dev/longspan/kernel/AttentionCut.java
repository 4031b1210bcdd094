package dev.longspan.kernel;

import dev.longspan.tensor.Tensor;

/**
 * All that the tasks of an attention depend on: calls with equal cuts have the same tasks, which a kernel may keep. Without decay
 * the epoch is 0.
 */
public record AttentionCut(AttentionPattern pattern, boolean causal, long firstQuery, long epoch, long batches, long heads,
        long queries, long keys) {

    /** q: [B, Nq, H, D], k: [B, Nk, H, D]. */
    public static AttentionCut of(AttentionPlan plan, Tensor q, Tensor k) {
        return new AttentionCut(plan.pattern(), plan.causal(), plan.firstQuery(),
                plan.decay() == null ? 0 : plan.decay().epoch(), q.size(0), q.size(2), q.size(1), k.size(1));
    }
}
