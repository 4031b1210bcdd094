package dev.longspan.nn;

import dev.longspan.autograd.Pass;
import dev.longspan.kernel.Activation;
import dev.longspan.op.Elementwise;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * {@code y = W₂ N(f(W₁ x))}, or with a gate {@code y = W₂ N(f(W₃ x) ⊙ W₁ x)}: SwiGLU for SILU (Shazeer, arXiv 2002.05202).
 * N only where there is one (SubLN: Wang et al., arXiv 2210.06423).
 *
 * @param up W₁: [ffn, d]
 * @param gate W₃: [ffn, d] or absent
 * @param down W₂: [d, ffn]
 * @param innerDropout rate behind activation and gate
 * @param dropout rate of the output
 */
public record FeedForward(Linear up, @Nullable Linear gate, @Nullable Norm norm, Linear down, Activation activation,
        double innerDropout, double dropout) implements Layer {

    /** x, y: [..., d]. */
    public Tensor apply(Pass pass, Tensor x) {
        Tensor inner = Elementwise.dropout(pass, innerDropout, activated(pass, x));
        return Elementwise.dropout(pass, dropout, down.apply(pass, norm == null ? inner : norm.apply(pass, inner)));
    }

    private Tensor activated(Pass pass, Tensor x) {
        return gate == null ? up.activated(pass, activation, x) : gate.gated(pass, activation, x, up.apply(pass, x));
    }
}
