package dev.longspan.kernel;

import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Everything about an attention but its operands. One plan serves all heads and the whole batch.
 *
 * @param pattern which keys a query may see
 * @param causal a query sees no key beyond its own position
 * @param scale factor of the scores, {@code 1/√D} as a rule
 * @param firstQuery position of query row 0; key row 0 stands at position 0 unless the pattern says otherwise
 * @param blockwise length l of blockwise causal attention (BCA): a query sees no key before the half-block in front of its
 *     own, {@code (⌊2p/l⌋ − 1) · l/2}; 0 is off. Sun et al., arXiv 2212.10554
 * @param gradient what the backward differentiates
 * @param mask 0 hides a key: U8 or BOOL [B or 1, Nq or 1, Nk]; rows of size 1 serve all
 * @param documents packed documents that do not see each other
 * @param decay position decay that q and k carry only within an epoch
 * @param dropout on the probabilities; the log-sum-exp is taken without
 */
public record AttentionPlan(AttentionPattern pattern, boolean causal, double scale, long firstQuery, long blockwise,
        Gradient gradient, @Nullable Tensor mask, @Nullable Documents documents, @Nullable Decay decay,
        @Nullable Dropout dropout) {

    /** How the weights by which branches are mixed enter the backward. */
    public enum Gradient {
        /** The gradient of the forward function. */
        EXACT,
        /** Mixing weights are constants, as in torchscale: {@code δᵢ = dOut · Oᵢ} per branch. The log-sum-exp has no gradient. */
        DETACHED
    }

    public AttentionPlan {
        if (!Double.isFinite(scale)) {
            throw new IllegalArgumentException("scale must be finite: scale=" + scale);
        }
        if (firstQuery < 0) {
            throw new IllegalArgumentException("firstQuery must not be negative: firstQuery=" + firstQuery);
        }
        if (blockwise < 0 || blockwise % 2 != 0 || blockwise > 0 && !causal) {
            throw new IllegalArgumentException("blockwise must be even, not negative and causal: blockwise=" + blockwise
                    + ", causal=" + causal);
        }
        if (mask != null && (mask.rank() != 3 || mask.dtype() != DType.U8 && mask.dtype() != DType.BOOL)) {
            throw new IllegalArgumentException("mask must be U8 or BOOL of rank 3: mask=" + mask);
        }
    }

    /** A plan with nothing but a pattern. */
    public static AttentionPlan of(AttentionPattern pattern, boolean causal, double scale) {
        return new AttentionPlan(pattern, causal, scale, 0, 0, Gradient.EXACT, null, null, null, null);
    }

    /** Every query sees every key. */
    public static AttentionPlan dense(double scale) {
        return of(new AttentionPattern.Dense(), false, scale);
    }

    /** Every query sees the keys up to its own position. */
    public static AttentionPlan causal(double scale) {
        return of(new AttentionPattern.Dense(), true, scale);
    }

    public AttentionPlan withFirstQuery(long position) {
        return new AttentionPlan(pattern, causal, scale, position, blockwise, gradient, mask, documents, decay, dropout);
    }

    public AttentionPlan withBlockwise(long length) {
        return new AttentionPlan(pattern, causal, scale, firstQuery, length, gradient, mask, documents, decay, dropout);
    }

    public AttentionPlan withGradient(Gradient mode) {
        return new AttentionPlan(pattern, causal, scale, firstQuery, blockwise, mode, mask, documents, decay, dropout);
    }

    public AttentionPlan withMask(@Nullable Tensor visible) {
        return new AttentionPlan(pattern, causal, scale, firstQuery, blockwise, gradient, visible, documents, decay, dropout);
    }

    public AttentionPlan withDocuments(@Nullable Documents packed) {
        return new AttentionPlan(pattern, causal, scale, firstQuery, blockwise, gradient, mask, packed, decay, dropout);
    }

    public AttentionPlan withDecay(@Nullable Decay byPosition) {
        return new AttentionPlan(pattern, causal, scale, firstQuery, blockwise, gradient, mask, documents, byPosition, dropout);
    }

    public AttentionPlan withDropout(@Nullable Dropout onProbabilities) {
        return new AttentionPlan(pattern, causal, scale, firstQuery, blockwise, gradient, mask, documents, decay, onProbabilities);
    }

    /** Number of the first key of the task that query row {@code queryRow} (a row of q) sees; mask aside. */
    public long firstKey(int branch, AttentionTask task, long batch, long queryRow) {
        long position = firstQuery + queryRow;
        long lower = pattern.lower(branch, position);
        if (blockwise > 0) {
            long half = blockwise / 2;
            lower = Math.max(lower, (position / half - 1) * half);
        }
        if (documents != null) {
            lower = Math.max(lower, documents.start(batch, position));
        }
        return task.keyPositions().countBefore(lower);
    }

    /** Number beyond the last key of the task that query row {@code queryRow} sees; mask aside. May be at or below firstKey. */
    public long endKey(int branch, AttentionTask task, long batch, long queryRow) {
        long position = firstQuery + queryRow;
        long upper = pattern.upper(branch, position);
        if (causal) {
            upper = Math.min(upper, position + 1);
        }
        if (documents != null) {
            upper = Math.min(upper, documents.end(batch, position));
        }
        return task.keyPositions().countBefore(upper);
    }
}
