package dev.longspan.recall;

import dev.longspan.json.JsonObject;
import dev.longspan.kernel.Activation;
import dev.longspan.kernel.Rotary;
import dev.longspan.longnet.LongNetConfig;
import dev.longspan.longnet.Rotation;
import dev.longspan.nn.Parameters;
import dev.longspan.rmt.Alignment;
import dev.longspan.rmt.Head;
import dev.longspan.rmt.RmtConfig;
import dev.longspan.rmt.RmtEncoder;
import dev.longspan.rmt.SpecialTokens;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.TensorArena;
import dev.longspan.transformer.Bert;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The settings of an encoder with a recurrent memory and a classifier: what config.json says of a model.
 *
 * @param style how its layers are built
 * @param initialStd of the weights; those of the memory and the classifier are 0.02 as in BERT
 * @param memory vectors m
 * @param input rows of a segment, the memory among them
 * @param dropout rate of hidden states, attention and the classifier in training
 */
public record RmtShape(Style style, long vocabulary, int width, int heads, int layers, int feedForward, double initialStd, int memory,
        int input, Alignment alignment, int classes, double dropout, SpecialTokens special) {

    /** The name of the architecture in config.json. */
    public static final String ARCHITECTURE = "rmt";

    private static final int TYPES = 2;
    private static final double THETA = 10_000;

    /** How an encoder's layers are built. */
    public enum Style {
        /** As BERT's: norms behind the residuals, learned positions, the exact GELU. */
        BERT,
        /** BERT with norms in front of attention and feed-forward, rotary positions and GELU by tanh: learns relations sooner. */
        ROTARY
    }

    public RmtShape {
        if (classes < 2 || vocabulary <= Math.max(special.pad(), Math.max(special.cls(), special.sep()))) {
            throw new IllegalArgumentException("classes must be at least 2, and the vocabulary hold the special tokens: classes="
                    + classes + ", vocabulary=" + vocabulary + ", special=" + special);
        }
        backbone(style, vocabulary, width, heads, layers, feedForward, initialStd, input, dropout);
        RmtConfig.encoder(memory, input);
    }

    /** The recurrence, full backpropagation and nothing recomputed. */
    public RmtConfig recurrence() {
        return RmtConfig.encoder(memory, input).withAlignment(alignment);
    }

    /** Tokens of a segment. */
    public int segment() {
        return recurrence().segment();
    }

    /** A new model in the arena. */
    public RmtEncoder create(TensorArena arena, long seed) {
        return RmtEncoder.create(recurrence(), special, Bert.create(backbone(), TYPES, arena, DType.F32, seed),
                Head.create(width, classes, dropout, arena, DType.F32, seed), arena, seed);
    }

    /** The model with parameters from anywhere. */
    public RmtEncoder of(Parameters parameters) {
        return new RmtEncoder(recurrence(), special, Bert.of(backbone(), TYPES, parameters.within("backbone")),
                parameters.get("memory", memory, width), Head.of(parameters.within("head"), width, classes, dropout));
    }

    private LongNetConfig backbone() {
        return backbone(style, vocabulary, width, heads, layers, feedForward, initialStd, input, dropout);
    }

    private static LongNetConfig backbone(Style style, long vocabulary, int width, int heads, int layers, int feedForward,
            double initialStd, int input, double dropout) {
        LongNetConfig bert = Bert.of(vocabulary, width, heads, layers, feedForward, input).withInitialStd(initialStd);
        if (style == Style.ROTARY) {
            bert = bert.withNorms(new LongNetConfig.Norms(LongNetConfig.Norms.Kind.LAYER, true, false, false, true, true, 1e-5))
                    .withPositions(new Rotation.Rope(THETA, Rotary.Pairs.NEIGHBOURS), 0)
                    .withFeedForward(feedForward, Activation.GELU_TANH);
        }
        return dropout == 0 ? bert : bert.withDropouts(new LongNetConfig.Dropouts(dropout, dropout, 0));
    }

    /** What config.json holds. */
    public Map<String, @Nullable Object> toMap() {
        Map<String, @Nullable Object> bert = new LinkedHashMap<>();
        bert.put("architecture", JsonObject.nameOf(style));
        bert.put("vocabulary", vocabulary);
        bert.put("width", width);
        bert.put("heads", heads);
        bert.put("layers", layers);
        bert.put("feed_forward", feedForward);
        if (style == Style.BERT) {
            bert.put("positions", input);
        }
        bert.put("initial_std", initialStd);
        bert.put("dropout", dropout);
        Map<String, @Nullable Object> map = new LinkedHashMap<>();
        map.put("layout", "encoder");
        map.put("backbone", bert);
        map.put("memory", memory);
        map.put("input", input);
        map.put("alignment", JsonObject.nameOf(alignment));
        map.put("classes", classes);
        Map<String, @Nullable Object> frame = new LinkedHashMap<>();
        frame.put("pad", special.pad());
        frame.put("cls", special.cls());
        frame.put("sep", special.sep());
        map.put("special", frame);
        return map;
    }

    /** Reads what {@link #toMap} gave; throws IllegalArgumentException naming what is wrong. */
    static RmtShape read(JsonObject json) {
        json.expect("layout", "encoder");
        JsonObject bert = json.object("backbone");
        Style style = bert.choice("architecture", Style.class);
        JsonObject special = json.object("special");
        int input = Math.toIntExact(json.integer("input"));
        if (bert.integer("positions", input) != input) {
            throw new IllegalArgumentException("backbone.positions must be as many as input: positions="
                    + bert.integer("positions") + ", input=" + input);
        }
        RmtShape shape = new RmtShape(style, bert.integer("vocabulary"), Math.toIntExact(bert.integer("width")),
                Math.toIntExact(bert.integer("heads")), Math.toIntExact(bert.integer("layers")),
                Math.toIntExact(bert.integer("feed_forward")), bert.number("initial_std", 0.02),
                Math.toIntExact(json.integer("memory")), input, json.choice("alignment", Alignment.RIGHT),
                Math.toIntExact(json.integer("classes")), bert.number("dropout", 0),
                new SpecialTokens(special.integer("pad"), special.integer("cls"), special.integer("sep")));
        bert.rejectUnread();
        special.rejectUnread();
        return shape;
    }
}
