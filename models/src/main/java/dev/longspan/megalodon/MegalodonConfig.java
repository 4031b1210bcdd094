package dev.longspan.megalodon;

import dev.longspan.json.Json;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The shape of a MEGALODON.
 *
 * @param vocabulary number of token ids
 * @param outputs number of logits, as a rule the vocabulary
 * @param width d of embeddings and hidden states
 * @param sharedWidth z, from which queries and keys are made, of all heads together
 * @param valueWidth v of all heads together
 * @param feedForward inner width of the feed-forward layers
 * @param gatedFeedForward SwiGLU; otherwise SiLU alone
 * @param modes n of each channel's moving average
 * @param chunk positions that attend to each other
 * @param groups of channels that share moments in a timestep norm
 * @param affineNorms whether RMS norm and layer norm have weights; a timestep norm always has
 * @param ropeBase of the rotary positions within a chunk
 * @param rescale whether a layer's feed-forward output is multiplied by a vector that starts as {@code 0.1·0.5^layer}
 * @param scaleEmbedding whether embeddings are multiplied by √d
 * @param tiedOutput whether logits use the embedding table
 */
public record MegalodonConfig(long vocabulary, long outputs, int width, int layers, int heads, int sharedWidth, int valueWidth,
        int feedForward, boolean gatedFeedForward, int modes, int chunk, int groups, boolean affineNorms, double eps,
        double ropeBase, Parts parts, boolean rescale, boolean scaleEmbedding, boolean tiedOutput, Dropouts dropouts,
        LinearInit linearInit) {

    /** What MEGALODON changed of MEGA, each for itself, for ablations. */
    public record Parts(Average average, InputNorm norm, Logits logits, Residual residual) {

        public static final Parts MEGALODON =
                new Parts(Average.COMPLEX, InputNorm.TIMESTEP, Logits.NORMALIZED, Residual.TWO_HOP);

        /** Ma et al., arXiv 2209.10655, as far as MEGALODON kept it. */
        public static final Parts MEGA = new Parts(Average.REAL, InputNorm.LAYER, Logits.SCALED, Residual.PRE_NORM);
    }

    /** The moving average: with angles (CEMA) or without (MEGA's damped average). */
    public enum Average { COMPLEX, REAL }

    /** The norm in front of each layer and of the output: over the time so far and groups of channels, or over one row. */
    public enum InputNorm { TIMESTEP, LAYER }

    /** {@code q kᵀ} of RMS-normalised z, or {@code q kᵀ/√D} of {@code SiLU(z)} as in MEGA. */
    public enum Logits { NORMALIZED, SCALED }

    /** What a feed-forward's output is added to: the layer's input, or the attention's output as in any pre-norm layer. */
    public enum Residual { TWO_HOP, PRE_NORM }

    /** Rates: of embeddings and of what layers add, behind the inner products, of attention's probabilities. */
    public record Dropouts(double residual, double hidden, double attention) {

        public static final Dropouts NONE = new Dropouts(0, 0, 0);

        public Dropouts {
            for (double rate : new double[] {residual, hidden, attention}) {
                if (!(rate >= 0 && rate < 1)) {
                    throw new IllegalArgumentException("dropout rates must be in [0, 1): residual=" + residual + ", hidden="
                            + hidden + ", attention=" + attention);
                }
            }
        }
    }

    /** What linear layers start from: {@code N(0, 1/(3·in))}, {@code N(0, 0.02²)}, {@code N(0, 1)} cut at 3, Glorot's uniform, 0. */
    public enum LinearInit { HE, BERT, GAUSSIAN, XAVIER, NONE }

    public MegalodonConfig {
        for (Object[] size : new Object[][] {{"vocabulary", vocabulary}, {"outputs", outputs}, {"width", width},
                {"layers", layers}, {"heads", heads}, {"sharedWidth", sharedWidth}, {"valueWidth", valueWidth},
                {"feedForward", feedForward}, {"modes", modes}, {"chunk", chunk}, {"groups", groups}}) {
            if (((Number) size[1]).longValue() <= 0) {
                throw new IllegalArgumentException(size[0] + " must be positive: " + size[0] + "=" + size[1]);
            }
        }
        if (sharedWidth % heads != 0 || sharedWidth / heads % 2 != 0 || valueWidth % heads != 0) {
            throw new IllegalArgumentException("heads must divide valueWidth, and sharedWidth into an even head dimension: heads="
                    + heads + ", sharedWidth=" + sharedWidth + ", valueWidth=" + valueWidth);
        }
        if (width % groups != 0 || groups == width && parts.norm == InputNorm.TIMESTEP) {
            throw new IllegalArgumentException("groups must divide width into groups of several channels: groups=" + groups
                    + ", width=" + width);
        }
        if (!(eps >= 0) || !(ropeBase > 0)) {
            throw new IllegalArgumentException("eps must not be negative and ropeBase positive: eps=" + eps + ", ropeBase="
                    + ropeBase);
        }
        if (tiedOutput && outputs != vocabulary) {
            throw new IllegalArgumentException("a tied output has one logit a token id: outputs=" + outputs + ", vocabulary="
                    + vocabulary);
        }
    }

    /** SwiGLU, 16 modes, base 10000, an output table of its own, no dropout: the newer released configurations. */
    public static MegalodonConfig of(long vocabulary, int width, int layers, int heads, int sharedWidth, int valueWidth,
            int feedForward, int chunk, int groups) {
        return new MegalodonConfig(vocabulary, vocabulary, width, layers, heads, sharedWidth, valueWidth, feedForward, true, 16,
                chunk, groups, true, 1e-5, 10000, Parts.MEGALODON, false, false, false, Dropouts.NONE, LinearInit.HE);
    }

    /**
     * A named size: the released {@code mega200M, mega1.3B, mega1.3B_pg19, mega7.1B, mega7.3B}; {@code paper7B}, whose chunk
     * and base are the paper's and the rest mega7.3B's; {@code small} (3.7 million parameters over bytes) and {@code tiny}.
     */
    public static MegalodonConfig preset(String name, long vocabulary) {
        return switch (name) {
            case "tiny" -> of(vocabulary, 128, 2, 1, 64, 256, 256, 512, 8);
            case "small" -> of(vocabulary, 256, 4, 1, 64, 512, 512, 512, 16);
            case "mega200M" -> of(vocabulary, 1024, 12, 1, 256, 2048, 2560, 2048, 32).withGatedFeedForward(false);
            case "mega1.3B" -> of(vocabulary, 2048, 24, 2, 512, 4096, 4864, 2048, 64).withGatedFeedForward(false);
            case "mega1.3B_pg19" -> of(vocabulary, 2048, 24, 2, 512, 4096, 3584, 2048, 64).withEmbedding(true, true);
            case "mega7.1B" -> of(vocabulary, 4096, 32, 4, 1024, 8192, 11264, 2048, 64).withGatedFeedForward(false);
            case "mega7.3B" -> of(vocabulary, 4096, 32, 4, 1024, 8192, 8192, 2048, 64);
            case "paper7B" -> of(vocabulary, 4096, 32, 4, 1024, 8192, 8192, 4096, 64).withRopeBase(1e5);
            default -> throw new IllegalArgumentException("preset must be one of " + String.join(", ", presets())
                    + ": preset=" + name);
        };
    }

    /** Names that {@link #preset} knows. */
    public static List<String> presets() {
        return List.of("tiny", "small", "mega200M", "mega1.3B", "mega1.3B_pg19", "mega7.1B", "mega7.3B", "paper7B");
    }

    /** D of queries and keys in one head. */
    public int keyDim() {
        return sharedWidth / heads;
    }

    /** D of values in one head. */
    public int valueDim() {
        return valueWidth / heads;
    }

    public MegalodonConfig withVocabulary(long tokens) {
        return with(Map.of("vocab_size", tokens, "output_size", -1L));
    }

    public MegalodonConfig withChunk(long positions) {
        return with(Map.of("chunk_size", positions));
    }

    public MegalodonConfig withParts(Parts chosen) {
        return with(MegalodonKeys.write(chosen));
    }

    public MegalodonConfig withDropouts(Dropouts rates) {
        return with(Map.of("dropout", rates.residual, "hidden_dropout", rates.hidden, "attention_dropout", rates.attention));
    }

    public MegalodonConfig withGatedFeedForward(boolean gated) {
        return with(Map.of("swiglu", gated));
    }

    public MegalodonConfig withEmbedding(boolean scaled, boolean tied) {
        return with(Map.of("scale_emb", scaled, "share_emb", tied));
    }

    public MegalodonConfig withRescale(boolean on) {
        return with(Map.of("rescale_nffn", on));
    }

    public MegalodonConfig withRopeBase(double base) {
        return with(Map.of("rope_base", base));
    }

    /** The same under other values of some of the original's keys. */
    private MegalodonConfig with(Map<String, ? extends @Nullable Object> changes) {
        Map<String, @Nullable Object> keys = MegalodonKeys.write(this);
        keys.putAll(changes);
        return MegalodonKeys.read(keys);
    }

    /** As {@code config.json}, with the original's keys. */
    public String toJson() {
        return Json.pretty(MegalodonKeys.write(this));
    }

    /** From {@code config.json}; an unknown key is an error. */
    public static MegalodonConfig fromJson(String text) {
        return MegalodonKeys.read(Json.object(text));
    }
}
