package dev.longspan.megalodon;

import dev.longspan.json.JsonObject;
import dev.longspan.megalodon.MegalodonConfig.Dropouts;
import dev.longspan.megalodon.MegalodonConfig.Parts;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Configurations under the keys of the original's {@code ModelConf}, and four of our own for MEGA's parts. */
public final class MegalodonKeys {

    /** How the original computes: without effect on the result. */
    private static final Set<String> WITHOUT_EFFECT = Set.of("efficient_attn", "layerwise_ckpt");

    private MegalodonKeys() {
    }

    /** The configuration of an object whose every key must be known; what is absent is as in the original. */
    public static MegalodonConfig read(Map<String, ? extends @Nullable Object> values) {
        JsonObject json = JsonObject.of("config", values);
        json.ignore(WITHOUT_EFFECT);
        long vocabulary = json.integer("vocab_size");
        long outputs = json.integer("output_size", -1);
        MegalodonConfig config = new MegalodonConfig(vocabulary, outputs == -1 ? vocabulary : outputs,
                size(json, "model_dim", 1024), size(json, "num_layers", 8), size(json, "num_heads", 1), size(json, "z_dim", 256),
                size(json, "value_dim", 2048), size(json, "ffn_hidden_dim", 2048), json.flag("swiglu", false),
                size(json, "cema_ndim", 16), size(json, "chunk_size", 2048), size(json, "norm_num_groups", 32),
                json.flag("norm_affine", true), json.number("norm_eps", 1e-5), json.number("rope_base", 10000),
                new Parts(json.choice("average", Parts.MEGALODON.average()), json.choice("input_norm", Parts.MEGALODON.norm()),
                        json.choice("logits", Parts.MEGALODON.logits()), json.choice("residual", Parts.MEGALODON.residual())),
                json.flag("rescale_nffn", false), json.flag("scale_emb", false), json.flag("share_emb", false),
                new Dropouts(json.number("dropout", 0), json.number("hidden_dropout", 0), json.number("attention_dropout", 0)),
                json.choice("init_mode", MegalodonConfig.LinearInit.HE));
        json.rejectUnread();
        return config;
    }

    /** Every key that {@link #read} needs to give the same configuration. */
    public static Map<String, @Nullable Object> write(MegalodonConfig config) {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("num_layers", (long) config.layers());
        json.put("model_dim", (long) config.width());
        json.put("z_dim", (long) config.sharedWidth());
        json.put("value_dim", (long) config.valueWidth());
        json.put("num_heads", (long) config.heads());
        json.put("ffn_hidden_dim", (long) config.feedForward());
        json.put("cema_ndim", (long) config.modes());
        json.put("chunk_size", (long) config.chunk());
        json.put("init_mode", JsonObject.nameOf(config.linearInit()));
        json.put("vocab_size", config.vocabulary());
        json.put("output_size", config.outputs() == config.vocabulary() ? -1 : config.outputs());
        json.put("norm_num_groups", (long) config.groups());
        json.put("norm_affine", config.affineNorms());
        json.put("norm_eps", config.eps());
        json.put("rope_base", config.ropeBase());
        json.put("dropout", config.dropouts().residual());
        json.put("hidden_dropout", config.dropouts().hidden());
        json.put("attention_dropout", config.dropouts().attention());
        json.put("swiglu", config.gatedFeedForward());
        json.put("rescale_nffn", config.rescale());
        json.put("scale_emb", config.scaleEmbedding());
        json.put("share_emb", config.tiedOutput());
        if (!config.parts().equals(Parts.MEGALODON)) {
            json.putAll(write(config.parts()));
        }
        return json;
    }

    /** The keys of our own. */
    static Map<String, Object> write(Parts parts) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("average", JsonObject.nameOf(parts.average()));
        json.put("input_norm", JsonObject.nameOf(parts.norm()));
        json.put("logits", JsonObject.nameOf(parts.logits()));
        json.put("residual", JsonObject.nameOf(parts.residual()));
        return json;
    }

    private static int size(JsonObject json, String key, int otherwise) {
        return Math.toIntExact(json.integer(key, otherwise));
    }
}
