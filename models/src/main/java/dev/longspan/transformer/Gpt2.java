package dev.longspan.transformer;

import dev.longspan.kernel.Activation;
import dev.longspan.kernel.AttentionPattern;
import dev.longspan.kernel.AttentionPlan;
import dev.longspan.longnet.LongNetConfig;
import dev.longspan.longnet.LongNetConfig.Dropouts;
import dev.longspan.longnet.LongNetConfig.FeedForward;
import dev.longspan.longnet.LongNetConfig.Norms;
import dev.longspan.longnet.Rotation;

/**
 * GPT-2: {@code x = word + position}, then {@code x ← x + attention(N(x)); x ← x + W₂ GELU(W₁ N(x))}, logits of {@code N(x)} by
 * the embedding table. Radford et al., 2019. LongNet's decoder with dense attention and learned positions.
 */
public final class Gpt2 {

    private Gpt2() {
    }

    /** Any size: norms in front and behind the last layer with ε 1e-5, the GELU by tanh, weights from {@code N(0, 0.02²)}. */
    public static LongNetConfig of(long vocabulary, int width, int heads, int layers, int feedForward, long positions) {
        return new LongNetConfig(vocabulary, width, heads, layers, new FeedForward(feedForward, Activation.GELU_TANH, false),
                new AttentionPattern.Dense(), 0, AttentionPlan.Gradient.EXACT, new Rotation.None(), positions,
                new Norms(true, false, false, true, false, 1e-5), true, false, true, true, 0.02, Dropouts.NONE);
    }
}
