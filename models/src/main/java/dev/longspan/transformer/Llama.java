package dev.longspan.transformer;

import dev.longspan.kernel.Activation;
import dev.longspan.kernel.AttentionPattern;
import dev.longspan.kernel.AttentionPlan;
import dev.longspan.kernel.Rotary;
import dev.longspan.longnet.DecoderArchitecture;
import dev.longspan.longnet.LongNetConfig;
import dev.longspan.longnet.LongNetConfig.Dropouts;
import dev.longspan.longnet.LongNetConfig.FeedForward;
import dev.longspan.longnet.LongNetConfig.Norms;
import dev.longspan.longnet.Rotation;
import java.util.List;

/**
 * The Llama-style Transformer, {@code x ← x + attention(RMSNorm(x)); x ← x + SwiGLU(RMSNorm(x))} with RoPE, without biases:
 * Touvron et al., arXiv 2302.13971. MEGALODON's baseline; its presets have the sizes of MEGALODON's.
 */
public final class Llama {

    public static final DecoderArchitecture ARCHITECTURE = new DecoderArchitecture("llama", presets(),
            (preset, context, vocabulary) -> preset(preset, vocabulary));

    private Llama() {
    }

    /**
     * Any size, with an output layer of its own. RoPE turns halves, as weights under Hugging Face's names need it; for a
     * model trained from scratch it is a matter of the order of rows.
     */
    public static LongNetConfig of(long vocabulary, int width, int heads, int layers, int feedForward) {
        return new LongNetConfig(vocabulary, width, heads, layers, new FeedForward(feedForward, Activation.SILU, true),
                new AttentionPattern.Dense(), 0, AttentionPlan.Gradient.EXACT,
                new Rotation.Rope(10000, Rotary.Pairs.HALVES), 0,
                new Norms(Norms.Kind.RMS, true, false, false, true, false, 1e-5), false, false, false, true, 0.02,
                Dropouts.NONE);
    }

    /**
     * {@code tiny} and {@code small}: 2 layers of width 128 and 4 of width 256, 0.53 M and 3.69 M parameters over bytes as
     * MEGALODON's have; {@code 200M}: 12 layers of width 1024, 220.9 M over 32,000 tokens beside mega200M's 220.6 M.
     */
    public static LongNetConfig preset(String name, long vocabulary) {
        return switch (name) {
            case "tiny" -> of(vocabulary, 128, 2, 2, 432);
            case "small" -> of(vocabulary, 256, 4, 4, 816);
            case "200M" -> of(vocabulary, 1024, 8, 12, 2848);
            default -> throw new IllegalArgumentException("preset must be one of " + String.join(", ", presets())
                    + ": preset=" + name);
        };
    }

    /** Names that {@link #preset} knows. */
    public static List<String> presets() {
        return List.of("tiny", "small", "200M");
    }
}
