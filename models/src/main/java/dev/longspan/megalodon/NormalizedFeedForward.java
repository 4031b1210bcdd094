package dev.longspan.megalodon;

import dev.longspan.autograd.Pass;
import dev.longspan.kernel.Activation;
import dev.longspan.kernel.Residual;
import dev.longspan.nn.Layer;
import dev.longspan.nn.Linear;
import dev.longspan.nn.Parameters;
import dev.longspan.nn.PlusOneLayerNorm;
import dev.longspan.op.Elementwise;
import dev.longspan.op.Norm;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * {@code α ⊙ W₂ (SiLU(W₁ n) ⊙ W₃ n) + residual} with {@code n = LayerNorm(x)}; W₃ and α only where there are some.
 *
 * @param linear W₃
 * @param alpha [d]
 */
public record NormalizedFeedForward(PlusOneLayerNorm norm, Linear up, @Nullable Linear linear, Linear down,
        @Nullable Tensor alpha, MegalodonConfig.Dropouts dropouts) implements Layer {

    static NormalizedFeedForward of(MegalodonConfig config, Parameters parameters) {
        int d = config.width();
        int inner = config.feedForward();
        return new NormalizedFeedForward(config.affineNorms() ? PlusOneLayerNorm.of(parameters, "norm", d, config.eps())
                : new PlusOneLayerNorm(null, null, config.eps()),
                Linear.of(parameters, "up", d, inner, false),
                config.gatedFeedForward() ? Linear.of(parameters, "linear", d, inner, false) : null,
                Linear.of(parameters, "down", inner, d, false), config.rescale() ? parameters.get("alpha", d) : null,
                config.dropouts());
    }

    /**
     * x, residual, y: [B, N, d].
     *
     * @param sum where x is kept; absent where nobody asks for it
     */
    public Tensor apply(Pass pass, Residual x, @Nullable Tensor sum, Tensor residual) {
        Tensor n = norm.apply(pass, x, sum);
        Tensor inner = linear == null ? up.activated(pass, Activation.SILU, n)
                : up.gated(pass, Activation.SILU, n, linear.apply(pass, n));
        Tensor lowered = Elementwise.dropout(pass, dropouts.residual(),
                down.apply(pass, Elementwise.dropout(pass, dropouts.hidden(), inner)));
        return Elementwise.add(pass, residual, alpha == null ? lowered : Norm.affine(pass, lowered, alpha, null, 0, 1));
    }
}
