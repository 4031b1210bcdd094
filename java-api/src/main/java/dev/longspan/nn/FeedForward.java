package dev.longspan.nn;

import dev.longspan.autograd.Pass;
import dev.longspan.kernel.Activation;
import dev.longspan.op.Elementwise;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * {@code y = W₂ LN(f(W₁ x))}, LN only where there is one (SubLN: Wang et al., arXiv 2210.06423); up: [ffn, d], down: [d, ffn].
 *
 * @param innerDropout rate after the activation
 * @param dropout rate of the output
 */
public record FeedForward(Linear up, @Nullable LayerNorm norm, Linear down, Activation activation, double innerDropout,
        double dropout) implements Layer {

    /** x, y: [..., d]. */
    public Tensor apply(Pass pass, Tensor x) {
        Tensor inner = Elementwise.dropout(pass, innerDropout, Elementwise.activation(pass, activation, up.apply(pass, x)));
        return Elementwise.dropout(pass, dropout, down.apply(pass, norm == null ? inner : norm.apply(pass, inner)));
    }
}
