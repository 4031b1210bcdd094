package dev.longspan.longnet;

import dev.longspan.json.Json;
import dev.longspan.kernel.Activation;
import dev.longspan.kernel.AttentionPattern;
import dev.longspan.kernel.AttentionPattern.Branch;
import dev.longspan.kernel.AttentionPattern.Dilated;
import dev.longspan.kernel.AttentionPattern.HeadOffset;
import dev.longspan.kernel.AttentionPattern.PadKeys;
import dev.longspan.kernel.AttentionPlan;
import java.util.List;

/**
 * The shape of a LongNet, or with other parts of one of its baselines.
 *
 * @param vocabulary number of token ids; 0 for an encoder of embeddings
 * @param width d of embeddings and hidden states
 * @param pattern dilated attention, dense attention or the fixed Sparse Transformer
 * @param blockwise length l of blockwise causal attention, for inference beyond the trained length; 0 is off
 * @param gradient whether the weights that mix branches are differentiated
 * @param rotation relative positions: xPos, RoPE or none
 * @param learnedPositions rows of a table of absolute positions; 0 for none
 * @param biases whether linear layers have them; the output layer has none
 * @param scaleEmbedding whether embeddings are multiplied by √d
 * @param tiedOutput whether logits use the embedding table
 * @param outputLayer whether there are logits; without, the output is the hidden states
 * @param initialStd standard deviation of the normal distribution that weights are drawn from; 0 for torchscale's rules
 */
public record LongNetConfig(long vocabulary, int width, int heads, int layers, FeedForward feedForward,
        AttentionPattern pattern, long blockwise, AttentionPlan.Gradient gradient, Rotation rotation, long learnedPositions,
        Norms norms, boolean biases, boolean scaleEmbedding, boolean tiedOutput, boolean outputLayer, double initialStd,
        Dropouts dropouts) {

    /** {@code w = 2048, 4096, 8192, 16384, 32768} and {@code r = 1, 2, 4, 6, 12}: LongNet, 4.1. */
    public static final List<Branch> PAPER_SCHEDULE = List.of(new Branch(2048, 1), new Branch(4096, 2),
            new Branch(8192, 4), new Branch(16384, 6), new Branch(32768, 12));

    /**
     * The feed-forward layers.
     *
     * @param width inner width
     * @param gated whether the activation multiplies a second product: SwiGLU for SILU, arXiv 2002.05202
     */
    public record FeedForward(int width, Activation activation, boolean gated) {

        public FeedForward {
            positive("feedForward", width);
        }
    }

    /**
     * Which norms there are, and where they stand.
     *
     * @param kind of all of them
     * @param before in front of attention and feed-forward, otherwise behind their residuals
     * @param deep DeepNorm's residuals and initialisation
     * @param inner SubLN's further norms, inside attention and feed-forward, and its initialisation
     * @param last behind the last layer
     * @param embedding behind the embedding
     */
    public record Norms(Kind kind, boolean before, boolean deep, boolean inner, boolean last, boolean embedding,
            double eps) {

        /** What is done to a row. */
        public enum Kind {
            /** Mean 0 and variance 1, with weight and bias. */
            LAYER,
            /** Mean square 1, with a weight. */
            RMS
        }

        /** Magneto, which LongNet is built on: arXiv 2210.06423. */
        public static final Norms SUBLN = new Norms(Kind.LAYER, true, false, true, true, false, 1e-5);

        /** DeepNet: arXiv 2203.00555. */
        public static final Norms DEEPNORM = new Norms(Kind.LAYER, false, true, false, false, false, 1e-5);

        /** Layer norms. */
        public Norms(boolean before, boolean deep, boolean inner, boolean last, boolean embedding, double eps) {
            this(Kind.LAYER, before, deep, inner, last, embedding, eps);
        }

        public Norms {
            if (deep && inner) {
                throw new IllegalArgumentException("DeepNorm and SubLN exclude each other: deep=true, inner=true");
            }
            if (!(eps >= 0)) {
                throw new IllegalArgumentException("eps must not be negative: eps=" + eps);
            }
        }
    }

    /** Rates: of embeddings and of what layers add, of attention's probabilities, behind the activation. */
    public record Dropouts(double hidden, double attention, double activation) {

        public static final Dropouts NONE = new Dropouts(0, 0, 0);

        public Dropouts {
            for (double rate : new double[] {hidden, attention, activation}) {
                if (!(rate >= 0 && rate < 1)) {
                    throw new IllegalArgumentException("dropout rates must be in [0, 1): hidden=" + hidden + ", attention="
                            + attention + ", activation=" + activation);
                }
            }
        }
    }

    public LongNetConfig {
        positive("width", width);
        positive("heads", heads);
        positive("layers", layers);
        if (width % heads != 0) {
            throw new IllegalArgumentException("heads must divide width: heads=" + heads + ", width=" + width);
        }
        if (!(rotation instanceof Rotation.None) && width / heads % 2 != 0) {
            throw new IllegalArgumentException("rotation needs an even head dimension: rotation=" + rotation + ", width="
                    + width + ", heads=" + heads);
        }
        if (!(initialStd >= 0 && Double.isFinite(initialStd))) {
            throw new IllegalArgumentException("initialStd must not be negative: initialStd=" + initialStd);
        }
        if (vocabulary < 0 || learnedPositions < 0) {
            throw new IllegalArgumentException("vocabulary and learnedPositions must not be negative: vocabulary="
                    + vocabulary + ", learnedPositions=" + learnedPositions);
        }
        if (tiedOutput && (vocabulary == 0 || !outputLayer)) {
            throw new IllegalArgumentException("a tied output needs a vocabulary and an output layer: vocabulary="
                    + vocabulary + ", outputLayer=" + outputLayer);
        }
        if (blockwise < 0 || blockwise % 2 != 0) {
            throw new IllegalArgumentException("blockwise must be even and not negative: blockwise=" + blockwise);
        }
    }

    /** SubLN, xPos, GELU and a feed-forward of 4·width: the paper's model of any size. */
    public static LongNetConfig of(long vocabulary, int width, int heads, int layers, List<Branch> schedule) {
        return new LongNetConfig(vocabulary, width, heads, layers, new FeedForward(4 * width, Activation.GELU, false),
                dilated(schedule), 0, AttentionPlan.Gradient.EXACT, new Rotation.Xpos(512), 0, Norms.SUBLN, true, false,
                false, true, 0, Dropouts.NONE);
    }

    /** Dilated attention with torchscale's head offsets and padded keys. */
    public static Dilated dilated(List<Branch> schedule) {
        return new Dilated(schedule, HeadOffset.GROUPED, PadKeys.COUNT);
    }

    /**
     * A named size: the paper's {@code 125M, 350M, 760M, 2.7B} (table 4) with its schedule; {@code tiny} (2 layers of width
     * 128) and {@code small} (4 layers of width 256) for bytes, with schedules that span 8,192 positions.
     */
    public static LongNetConfig preset(String name, long vocabulary) {
        return switch (name) {
            case "125M" -> of(vocabulary, 768, 12, 12, PAPER_SCHEDULE);
            case "350M" -> of(vocabulary, 1024, 16, 24, PAPER_SCHEDULE);
            case "760M" -> of(vocabulary, 1536, 16, 24, PAPER_SCHEDULE);
            case "2.7B" -> of(vocabulary, 2560, 32, 32, PAPER_SCHEDULE);
            case "tiny" -> of(vocabulary, 128, 4, 2, List.of(new Branch(512, 1), new Branch(1024, 2),
                    new Branch(2048, 4), new Branch(4096, 8), new Branch(8192, 16)));
            case "small" -> of(vocabulary, 256, 8, 4, List.of(new Branch(1024, 1), new Branch(2048, 2),
                    new Branch(4096, 4), new Branch(8192, 8)));
            default -> throw new IllegalArgumentException("preset must be one of " + String.join(", ", presets())
                    + ": preset=" + name);
        };
    }

    /** Names that {@link #preset} knows. */
    public static List<String> presets() {
        return List.of("tiny", "small", "125M", "350M", "760M", "2.7B");
    }

    /** D, the width of one head. */
    public int headDim() {
        return width / heads;
    }

    /** α of the residuals: {@code (2L)^¼} with DeepNorm, otherwise 1. */
    public double alpha() {
        return norms.deep ? Math.pow(2.0 * layers, 0.25) : 1;
    }

    /** What a query sees, by this pattern and {@code 1/√D}. */
    public AttentionPlan plan(boolean causal) {
        return AttentionPlan.of(pattern, causal, 1 / Math.sqrt(headDim())).withBlockwise(blockwise).withGradient(gradient);
    }

    public LongNetConfig withVocabulary(long tokens) {
        return new LongNetConfig(tokens, width, heads, layers, feedForward, pattern, blockwise, gradient, rotation,
                learnedPositions, norms, biases, scaleEmbedding, tiedOutput, outputLayer, initialStd, dropouts);
    }

    /** The same parameters under another pattern: a dense model runs with dilated attention and the other way round. */
    public LongNetConfig withPattern(AttentionPattern shown) {
        return new LongNetConfig(vocabulary, width, heads, layers, feedForward, shown, blockwise, gradient, rotation,
                learnedPositions, norms, biases, scaleEmbedding, tiedOutput, outputLayer, initialStd, dropouts);
    }

    /** The smallest w of a dilated pattern; Long.MAX_VALUE where there is none. */
    public long shortestSegment() {
        return pattern instanceof Dilated dilated
                ? dilated.schedule().stream().mapToLong(Branch::segment).min().orElseThrow() : Long.MAX_VALUE;
    }

    /** The same model with a dilated pattern of this schedule. */
    public LongNetConfig withSchedule(List<Branch> schedule) {
        return withPattern(pattern instanceof Dilated old ? new Dilated(schedule, old.offset(), old.pads())
                : dilated(schedule));
    }

    public LongNetConfig withBlockwise(long length) {
        return new LongNetConfig(vocabulary, width, heads, layers, feedForward, pattern, length, gradient, rotation,
                learnedPositions, norms, biases, scaleEmbedding, tiedOutput, outputLayer, initialStd, dropouts);
    }

    public LongNetConfig withGradient(AttentionPlan.Gradient mode) {
        return new LongNetConfig(vocabulary, width, heads, layers, feedForward, pattern, blockwise, mode, rotation,
                learnedPositions, norms, biases, scaleEmbedding, tiedOutput, outputLayer, initialStd, dropouts);
    }

    /** Relative positions, and learned ones unless there are 0 rows. */
    public LongNetConfig withPositions(Rotation relative, long learned) {
        return new LongNetConfig(vocabulary, width, heads, layers, feedForward, pattern, blockwise, gradient, relative,
                learned, norms, biases, scaleEmbedding, tiedOutput, outputLayer, initialStd, dropouts);
    }

    public LongNetConfig withNorms(Norms places) {
        return new LongNetConfig(vocabulary, width, heads, layers, feedForward, pattern, blockwise, gradient, rotation,
                learnedPositions, places, biases, scaleEmbedding, tiedOutput, outputLayer, initialStd, dropouts);
    }

    public LongNetConfig withEmbedding(boolean scaled, boolean tied) {
        return new LongNetConfig(vocabulary, width, heads, layers, feedForward, pattern, blockwise, gradient, rotation,
                learnedPositions, norms, biases, scaled, tied, outputLayer, initialStd, dropouts);
    }

    /** A feed-forward without gate. */
    public LongNetConfig withFeedForward(int inner, Activation f) {
        return withFeedForward(new FeedForward(inner, f, false));
    }

    public LongNetConfig withFeedForward(FeedForward shape) {
        return new LongNetConfig(vocabulary, width, heads, layers, shape, pattern, blockwise, gradient, rotation,
                learnedPositions, norms, biases, scaleEmbedding, tiedOutput, outputLayer, initialStd, dropouts);
    }

    /** Linear layers with or without biases. */
    public LongNetConfig withBiases(boolean on) {
        return new LongNetConfig(vocabulary, width, heads, layers, feedForward, pattern, blockwise, gradient, rotation,
                learnedPositions, norms, on, scaleEmbedding, tiedOutput, outputLayer, initialStd, dropouts);
    }

    /** Weights that start from {@code N(0, std²)}. */
    public LongNetConfig withInitialStd(double std) {
        return new LongNetConfig(vocabulary, width, heads, layers, feedForward, pattern, blockwise, gradient, rotation,
                learnedPositions, norms, biases, scaleEmbedding, tiedOutput, outputLayer, std, dropouts);
    }

    public LongNetConfig withDropouts(Dropouts rates) {
        return new LongNetConfig(vocabulary, width, heads, layers, feedForward, pattern, blockwise, gradient, rotation,
                learnedPositions, norms, biases, scaleEmbedding, tiedOutput, outputLayer, initialStd, rates);
    }

    public LongNetConfig withoutOutputLayer() {
        return new LongNetConfig(vocabulary, width, heads, layers, feedForward, pattern, blockwise, gradient, rotation,
                learnedPositions, norms, biases, scaleEmbedding, false, false, initialStd, dropouts);
    }

    /** As {@code config.json}, with torchscale's keys as far as they go. */
    public String toJson() {
        return Json.pretty(ConfigKeys.DECODER.write(this));
    }

    /** From {@code config.json}; an unknown key is an error. */
    public static LongNetConfig fromJson(String text) {
        return ConfigKeys.DECODER.read(Json.object(text));
    }

    private static void positive(String name, long value) {
        if (value <= 0) {
            throw new IllegalArgumentException(name + " must be positive: " + name + "=" + value);
        }
    }
}
