package dev.longspan.nn;

import dev.longspan.autograd.Pass;
import dev.longspan.kernel.Residual;
import dev.longspan.op.Elementwise;
import dev.longspan.tensor.Tensor;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Attention and feed-forward, each in a residual: {@code x ← α x + f(N(x))}, or with the norm behind,
 * {@code x ← N(α x + f(x))}. With α = (2L)^¼ and the norm behind this is DeepNorm, arXiv 2203.00555.
 *
 * @param normBefore whether the norms stand before f
 * @param dropout rate of the attention's output; the feed-forward has its own
 */
public record TransformerBlock(Norm attentionNorm, SelfAttention attention, Norm feedForwardNorm,
        FeedForward feedForward, boolean normBefore, double alpha, double dropout) implements Layer {

    /** x, y: [B, N, d]. */
    public Tensor apply(Pass pass, Tensor x, @Nullable Tensor visible) {
        return apply(pass, x, normed -> attention.apply(pass, normed, visible));
    }

    /** The block around another way to attend, such as one with a cache. */
    public Tensor apply(Pass pass, Tensor x, UnaryOperator<Tensor> attend) {
        Tensor seen = attend.apply(normBefore ? attentionNorm.apply(pass, x) : x);
        Residual attended = new Residual(x, alpha, Elementwise.dropout(pass, dropout, seen));
        if (normBefore) {
            Tensor sum = pass.allocateLike(x);
            Tensor normed = feedForwardNorm.apply(pass, attended, sum);
            return Elementwise.add(pass, sum, alpha, feedForward.apply(pass, normed));
        }
        Tensor normed = attentionNorm.apply(pass, attended, null);
        return feedForwardNorm.apply(pass, new Residual(normed, alpha, feedForward.apply(pass, normed)), null);
    }
}
