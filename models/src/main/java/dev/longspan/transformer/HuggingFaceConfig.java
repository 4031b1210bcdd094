package dev.longspan.transformer;

import dev.longspan.json.JsonObject;
import dev.longspan.kernel.Activation;
import dev.longspan.longnet.LongNetConfig;
import dev.longspan.longnet.LongNetConfig.Dropouts;
import dev.longspan.longnet.LongNetConfig.Norms;
import java.util.Set;
import java.util.stream.Collectors;

/** Hugging Face's {@code config.json}. Keys that change the result must be known; those of heads and tokenizers are passed over. */
final class HuggingFaceConfig {

    /** Without effect on hidden states. */
    private static final Set<String> EVERYWHERE = Set.of("architectures", "attn_implementation", "bos_token_id",
            "chunk_size_feed_forward", "classifier_dropout", "dtype", "eos_token_id", "finetuning_task",
            "gradient_checkpointing", "id2label", "label2id", "num_labels", "output_attentions", "output_hidden_states",
            "output_past", "pad_token_id", "problem_type", "return_dict", "sep_token_id", "task_specific_params",
            "tokenizer_class", "torch_dtype", "transformers_version", "use_cache", "language", "name");
    private static final Set<String> BERT = Set.of("directionality", "pooler_fc_size", "pooler_num_attention_heads",
            "pooler_num_fc_layers", "pooler_size_per_head", "pooler_type", "tie_word_embeddings");
    private static final Set<String> GPT2 = Set.of("n_ctx", "n_special", "predict_special_tokens", "summary_activation",
            "summary_first_dropout", "summary_proj_to_labels", "summary_type", "summary_use_proj", "reorder_and_upcast_attn");

    private HuggingFaceConfig() {
    }

    /** A BERT's encoder and the number of its token types. */
    record Bert(LongNetConfig encoder, long types) {
    }

    static Bert bert(JsonObject json) {
        start(json, "bert", BERT);
        json.expect("position_embedding_type", "absolute");
        expect(json, "is_decoder", false);
        expect(json, "add_cross_attention", false);
        double eps = json.number("layer_norm_eps", 1e-12);
        LongNetConfig config = dev.longspan.transformer.Bert.of(json.integer("vocab_size"), size(json, "hidden_size"),
                        size(json, "num_attention_heads"), size(json, "num_hidden_layers"), size(json, "intermediate_size"),
                        json.integer("max_position_embeddings"))
                .withNorms(new Norms(false, false, false, false, true, eps))
                .withInitialStd(json.number("initializer_range", 0.02))
                .withDropouts(new Dropouts(json.number("hidden_dropout_prob", 0.1),
                        json.number("attention_probs_dropout_prob", 0.1), 0));
        return new Bert(config.withFeedForward(config.feedForward().width(), activation(json, "hidden_act", "gelu")),
                json.integer("type_vocab_size", 2));
    }

    static LongNetConfig gpt2(JsonObject json) {
        start(json, "gpt2", GPT2);
        expect(json, "add_cross_attention", false);
        expect(json, "scale_attn_weights", true);
        expect(json, "scale_attn_by_inverse_layer_idx", false);
        int width = size(json, "n_embd");
        double eps = json.number("layer_norm_epsilon", 1e-5);
        double hidden = json.number("resid_pdrop", 0.1);
        if (json.number("embd_pdrop", hidden) != hidden) {
            throw new IllegalArgumentException("config.embd_pdrop must be resid_pdrop: embd_pdrop=" + json.number("embd_pdrop")
                    + ", resid_pdrop=" + hidden);
        }
        int inner = Math.toIntExact(json.integer("n_inner", 4L * width));
        return Gpt2.of(json.integer("vocab_size"), width, size(json, "n_head"), size(json, "n_layer"), inner,
                        json.integer("n_positions"))
                .withFeedForward(inner, activation(json, "activation_function", "gelu_new"))
                .withNorms(new Norms(true, false, false, true, false, eps))
                .withEmbedding(false, json.flag("tie_word_embeddings", true))
                .withInitialStd(json.number("initializer_range", 0.02))
                .withDropouts(new Dropouts(hidden, json.number("attn_pdrop", 0.1), 0));
    }

    private static void start(JsonObject json, String type, Set<String> ignored) {
        json.expect("model_type", type);
        json.ignore(EVERYWHERE).ignore(ignored);
        json.ignore(json.keys().stream().filter(key -> key.startsWith("_")).collect(Collectors.toSet()));
    }

    private static int size(JsonObject json, String key) {
        return Math.toIntExact(json.integer(key));
    }

    private static void expect(JsonObject json, String key, boolean value) {
        if (json.flag(key, value) != value) {
            throw new IllegalArgumentException("config." + key + " is not supported: " + key + "=" + !value);
        }
    }

    private static Activation activation(JsonObject json, String key, String otherwise) {
        String name = json.text(key, otherwise);
        return switch (name) {
            case "gelu" -> Activation.GELU;
            case "gelu_new", "gelu_pytorch_tanh", "gelu_fast" -> Activation.GELU_TANH;
            case "relu" -> Activation.RELU;
            case "silu", "swish" -> Activation.SILU;
            default -> throw new IllegalArgumentException("config." + key
                    + " must be gelu, gelu_new, gelu_pytorch_tanh, gelu_fast, relu, silu or swish: " + key + "=" + name);
        };
    }
}
