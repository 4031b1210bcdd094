package dev.longspan.longnet;

import dev.longspan.json.JsonObject;
import dev.longspan.kernel.Activation;
import dev.longspan.kernel.AttentionPattern;
import dev.longspan.kernel.AttentionPattern.Branch;
import dev.longspan.kernel.AttentionPattern.Dilated;
import dev.longspan.kernel.AttentionPattern.HeadOffset;
import dev.longspan.kernel.AttentionPattern.PadKeys;
import dev.longspan.kernel.AttentionPlan;
import dev.longspan.kernel.Rotary;
import dev.longspan.longnet.LongNetConfig.Norms.Kind;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Configurations under torchscale's keys ({@code EncoderConfig}, {@code DecoderConfig}) and a few of our own. */
public enum ConfigKeys {
    DECODER("decoder"), ENCODER("encoder");

    /** Where and how torchscale computes: without effect on the result. */
    private static final Set<String> WITHOUT_EFFECT = Set.of("model_type", "flash_attention", "checkpoint_activations",
            "fsdp", "ddp_rank", "bert_init", "max_source_positions", "max_target_positions");

    /** Parts of torchscale that LongNet does not use: only their neutral value is understood. */
    private static final Map<String, Object> NEUTRAL = Map.of("drop_path_rate", 0.0, "moe_freq", 0.0, "rel_pos_buckets", 0.0,
            "max_rel_pos", 0.0, "multiway", false, "seq_parallel", false, "use_xmoe", false);

    private final String side;

    ConfigKeys(String side) {
        this.side = side;
    }

    /** The configuration of an object whose every key must be known. */
    public LongNetConfig read(Map<String, ? extends @Nullable Object> values) {
        JsonObject json = JsonObject.of("config", values);
        NEUTRAL.forEach((key, neutral) -> checkNeutral(json, key, neutral));
        checkNeutral(json, "share_" + (this == DECODER ? "encoder" : "decoder") + "_input_output_embed", false);
        json.ignore(WITHOUT_EFFECT);
        boolean deep = json.flag("deepnorm", false);
        boolean inner = json.flag("subln", !deep) && !deep;
        boolean before = json.flag(side + "_normalize_before", true);
        boolean outputLayer = !json.flag("no_output_layer", false);
        boolean tied = json.flag("share_" + side + "_input_output_embed", false);
        if (this == ENCODER) {
            before = !deep && (before || inner); // torchscale insists, but for decoders only says so
        }
        long vocabulary = Math.max(0, json.integer("vocab_size", 0));
        int width = Math.toIntExact(json.integer(side + "_embed_dim", 768));
        LongNetConfig config = new LongNetConfig(vocabulary, width,
                Math.toIntExact(json.integer(side + "_attention_heads", 12)),
                Math.toIntExact(json.integer(side + "_layers", 12)),
                feedForward(json), pattern(json), json.integer("blockwise_length", 0),
                named(AttentionPlan.Gradient.class, json, "attention_gradient", AttentionPlan.Gradient.EXACT),
                rotation(json), json.integer("learned_positions", 0), new LongNetConfig.Norms(
                        named(Kind.class, json, "norm", Kind.LAYER), before, deep, inner, last(json, before),
                        json.flag("layernorm_embedding", false), json.number("layernorm_eps", 1e-5)),
                json.flag("bias", true), !json.flag("no_scale_embedding", true), tied && outputLayer && vocabulary > 0,
                outputLayer && vocabulary > 0, json.number("initializer_range", 0),
                new LongNetConfig.Dropouts(json.number("dropout", 0), json.number("attention_dropout", 0),
                        json.number("activation_dropout", 0)));
        json.rejectUnread();
        return config;
    }

    /** Every key that {@link #read} needs to give the same configuration. */
    public Map<String, @Nullable Object> write(LongNetConfig config) {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("model_type", "longnet");
        json.put("vocab_size", config.vocabulary());
        json.put(side + "_embed_dim", (long) config.width());
        json.put(side + "_attention_heads", (long) config.heads());
        json.put(side + "_layers", (long) config.layers());
        json.put(side + "_ffn_embed_dim", (long) config.feedForward().width());
        json.put(side + "_normalize_before", config.norms().before());
        json.put("deepnorm", config.norms().deep());
        json.put("subln", config.norms().inner());
        json.put("final_layer_norm", config.norms().last());
        json.put("layernorm_embedding", config.norms().embedding());
        json.put("layernorm_eps", config.norms().eps());
        json.put("norm", lower(config.norms().kind()));
        json.put("activation_fn", activation(config.feedForward().activation()));
        json.put("glu", config.feedForward().gated());
        json.put("bias", config.biases());
        json.put("no_scale_embedding", !config.scaleEmbedding());
        json.put("share_" + side + "_input_output_embed", config.tiedOutput());
        json.put("no_output_layer", !config.outputLayer());
        json.put("xpos_rel_pos", config.rotation() instanceof Rotation.Xpos);
        switch (config.rotation()) {
            case Rotation.Xpos xpos -> json.put("xpos_scale_base", xpos.scaleBase());
            case Rotation.Rope rope -> {
                json.put("rope_theta", rope.theta());
                json.put("rope_pairs", lower(rope.pairs()));
            }
            case Rotation.None none -> { }
        }
        json.put("learned_positions", config.learnedPositions());
        json.put("dropout", config.dropouts().hidden());
        json.put("attention_dropout", config.dropouts().attention());
        json.put("activation_dropout", config.dropouts().activation());
        json.put("initializer_range", config.initialStd());
        json.put("attention_gradient", lower(config.gradient()));
        json.put("blockwise_length", config.blockwise());
        switch (config.pattern()) {
            case Dilated dilated -> {
                json.put("attention", "dilated");
                json.put("segment_length", dilated.schedule().stream().map(Branch::segment).toList());
                json.put("dilated_ratio", dilated.schedule().stream().map(Branch::dilation).toList());
                json.put("head_offset", lower(dilated.offset()));
                json.put("pad_keys", lower(dilated.pads()));
            }
            case AttentionPattern.Dense dense -> json.put("attention", "dense");
            case AttentionPattern.FixedSparse sparse -> {
                json.put("attention", "fixed_sparse");
                json.put("sparse_block", sparse.block());
                json.put("sparse_summary", sparse.summary());
            }
            default -> throw new IllegalArgumentException("pattern must be dilated, dense or fixed-sparse: pattern="
                    + config.pattern());
        }
        return json;
    }

    /** torchscale's {@code segment_length} and {@code dilated_ratio}. */
    public static List<Branch> schedule(long[] segments, long[] dilations) {
        if (segments.length != dilations.length) {
            throw new IllegalArgumentException("segment_length and dilated_ratio must have one length: segment_length="
                    + Arrays.toString(segments) + ", dilated_ratio=" + Arrays.toString(dilations));
        }
        return IntStream.range(0, segments.length).mapToObj(i -> new Branch(segments[i], dilations[i])).toList();
    }

    private static AttentionPattern pattern(JsonObject json) {
        String attention = json.text("attention", "dilated");
        return switch (attention) {
            case "dilated" -> new Dilated(schedule(json.integers("segment_length"), json.integers("dilated_ratio")),
                    named(HeadOffset.class, json, "head_offset", HeadOffset.GROUPED),
                    named(PadKeys.class, json, "pad_keys", PadKeys.COUNT));
            case "dense" -> new AttentionPattern.Dense();
            case "fixed_sparse" -> new AttentionPattern.FixedSparse(json.integer("sparse_block"),
                    json.integer("sparse_summary"));
            default -> throw new IllegalArgumentException("attention must be dilated, dense or fixed_sparse: attention="
                    + attention);
        };
    }

    /** torchscale has the last norm where norms stand before, in encoders unless {@code normalize_output} is false. */
    private boolean last(JsonObject json, boolean before) {
        boolean output = json.flag("normalize_output", true) || this == DECODER;
        return json.flag("final_layer_norm", before && output) && output;
    }

    private LongNetConfig.FeedForward feedForward(JsonObject json) {
        return new LongNetConfig.FeedForward(Math.toIntExact(json.integer(side + "_ffn_embed_dim", 3072)),
                activation(json.text("activation_fn", "gelu")), json.flag("glu", false));
    }

    /** xPos where it is on, RoPE where there is a theta. */
    private static Rotation rotation(JsonObject json) {
        boolean xpos = json.flag("xpos_rel_pos", false);
        double scaleBase = json.number("xpos_scale_base", 512);
        Rotary.Pairs pairs = named(Rotary.Pairs.class, json, "rope_pairs", Rotary.Pairs.NEIGHBOURS);
        if (!json.has("rope_theta")) {
            return xpos ? new Rotation.Xpos(scaleBase) : new Rotation.None();
        }
        double theta = json.number("rope_theta");
        if (xpos) {
            throw new IllegalArgumentException("xpos_rel_pos and rope_theta exclude each other: rope_theta=" + theta);
        }
        return new Rotation.Rope(theta, pairs);
    }

    private static void checkNeutral(JsonObject json, String key, Object neutral) {
        Object value = neutral instanceof Boolean ? json.flag(key, false) : (Object) json.number(key, 0);
        if (!value.equals(neutral)) {
            throw new IllegalArgumentException(key + " is not supported: " + key + "=" + value);
        }
    }

    private static Activation activation(String name) {
        return switch (name) {
            case "relu" -> Activation.RELU;
            case "gelu" -> Activation.GELU;
            case "gelu_tanh" -> Activation.GELU_TANH;
            case "swish" -> Activation.SILU;
            default -> throw new IllegalArgumentException("activation_fn must be relu, gelu, gelu_tanh or swish: activation_fn="
                    + name);
        };
    }

    private static String activation(Activation f) {
        return f == Activation.SILU ? "swish" : lower(f);
    }

    private static <E extends Enum<E>> E named(Class<E> type, JsonObject json, String key, E otherwise) {
        String name = json.text(key, lower(otherwise));
        for (E value : type.getEnumConstants()) {
            if (lower(value).equals(name.toLowerCase(Locale.ROOT))) {
                return value;
            }
        }
        throw new IllegalArgumentException(key + " must be one of " + Arrays.toString(type.getEnumConstants()) + ": " + key
                + "=" + name);
    }

    private static String lower(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }
}
