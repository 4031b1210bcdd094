package dev.longspan.megalodon;

import dev.longspan.autograd.Pass;
import dev.longspan.kernel.Moments;
import dev.longspan.nn.Layer;
import dev.longspan.nn.Parameters;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * {@code y = GatedAttention(x)}, {@code x ← FFN(LayerNorm(y)) + x}: the two-hop residual, whose second addend is the layer's
 * input again (arXiv 2404.08801, equation 15), or {@code + y} as in any pre-norm layer.
 */
public record MegalodonBlock(GatedAttention attention, NormalizedFeedForward feedForward, MegalodonConfig.Residual residual)
        implements Layer {

    /** A layer with parameters from anywhere. */
    public static MegalodonBlock of(MegalodonConfig config, Parameters parameters) {
        return new MegalodonBlock(GatedAttention.of(config, parameters.within("attention")),
                NormalizedFeedForward.of(config, parameters.within("feedForward")), config.parts().residual());
    }

    /** x, y: [B, N, d], whole sequences. */
    public Tensor apply(Pass pass, Tensor x) {
        return apply(pass, x, Context.WHOLE);
    }

    Tensor apply(Pass pass, Tensor x, Context context) {
        GatedAttention.Output output = attention.apply(pass, x, context);
        if (context.memory() != null) {
            context.memory().take(output);
        }
        return finish(pass, x, output);
    }

    /** As {@link #apply}, with the moments of the layer's norm behind the last row. */
    Counted counted(Pass pass, Tensor x) {
        GatedAttention.Output output = attention.apply(pass, x, Context.WHOLE);
        return new Counted(finish(pass, x, output), output.moments());
    }

    record Counted(Tensor y, @Nullable Moments moments) {
    }

    private Tensor finish(Pass pass, Tensor x, GatedAttention.Output output) {
        Tensor y = residual == MegalodonConfig.Residual.TWO_HOP ? null : pass.allocateLike(x);
        return feedForward.apply(pass, output.y(), y, y == null ? x : y);
    }
}
