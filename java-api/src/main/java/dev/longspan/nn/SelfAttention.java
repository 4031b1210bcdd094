package dev.longspan.nn;

import dev.longspan.autograd.Pass;
import dev.longspan.kernel.AttentionPlan;
import dev.longspan.kernel.Rotary;
import dev.longspan.op.Attention;
import dev.longspan.op.Elementwise;
import dev.longspan.op.Views;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * {@code y = W_o N(concat over heads of softmax(scale · q kᵀ) v)} with q, k and v linear in x, q and k rotated where
 * there are rotary positions, and the norm N only where there is one (SubLN: arXiv 2210.06423).
 *
 * @param rotary positions of queries, of one head's dimension; keys have the opposite ones; absent for none
 * @param plan what a query sees; its decay is that of {@code rotary}
 * @param dropout rate on the probabilities
 */
public record SelfAttention(Linear query, Linear key, Linear value, @Nullable Norm norm, Linear out, int heads,
        @Nullable Rotary rotary, AttentionPlan plan, double dropout) implements Layer {

    public SelfAttention {
        if (heads <= 0 || query.weight().size(0) % heads != 0) {
            throw new IllegalArgumentException("heads must divide width: heads=" + heads + ", width="
                    + query.weight().size(0));
        }
        if (rotary != null) {
            if (rotary.headDim() != query.weight().size(0) / heads) {
                throw new IllegalArgumentException("rotary must have a head's dimension: headDim=" + rotary.headDim()
                        + ", heads=" + heads + ", width=" + query.weight().size(0));
            }
            plan = plan.withDecay(rotary.decay());
        }
    }

    /** Queries, keys and values [B, N, H, D] with their positions in them. */
    public record Heads(Tensor queries, Tensor keys, Tensor values) {
    }

    /** x, y: [B, N, d]. {@code visible} 0 hides a key: U8 or BOOL [B or 1, N or 1, N]. */
    public Tensor apply(Pass pass, Tensor x, @Nullable Tensor visible) {
        Heads projected = project(pass, x, 0);
        AttentionPlan complete = plan.withMask(visible).withDropout(pass.nextDropout(dropout));
        return join(pass, Attention.apply(pass, complete, projected.queries, projected.keys, projected.values).out());
    }

    /** Queries, keys and values of rows that begin at position {@code first}. */
    public Heads project(Pass pass, Tensor x, long first) {
        return new Heads(positioned(pass, rotary, split(pass, query.apply(pass, x)), first),
                positioned(pass, rotary == null ? null : rotary.opposite(), split(pass, key.apply(pass, x)), first),
                split(pass, value.apply(pass, x)));
    }

    /** The layer's output from what the heads saw, [B, N, H, D]. */
    public Tensor join(Pass pass, Tensor seen) {
        Tensor joined = Views.reshape(pass, seen, seen.size(0), seen.size(1), seen.size(2) * seen.size(3));
        return out.apply(pass, norm == null ? joined : norm.apply(pass, joined));
    }

    private Tensor split(Pass pass, Tensor x) {
        return Views.reshape(pass, x, x.size(0), x.size(1), heads, x.size(2) / heads);
    }

    private static Tensor positioned(Pass pass, @Nullable Rotary rotary, Tensor x, long first) {
        return rotary == null ? x : Elementwise.rotary(pass, rotary, first, x);
    }
}
