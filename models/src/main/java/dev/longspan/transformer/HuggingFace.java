package dev.longspan.transformer;

import dev.longspan.checkpoint.Checkpoint;
import dev.longspan.checkpoint.ModelFormatException;
import dev.longspan.json.JsonObject;
import dev.longspan.longnet.LongNet;
import dev.longspan.longnet.LongNetConfig;
import dev.longspan.model.ModelConfig;
import dev.longspan.model.ModelFolder;
import dev.longspan.nn.Linear;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.TensorArena;
import java.io.IOException;
import java.nio.file.Path;
import java.util.function.Function;
import java.util.regex.Pattern;

/**
 * Models out of folders as Hugging Face's transformers writes them, {@code config.json} beside {@code model.safetensors} or its
 * shards, with the backbone's names below a prefix or bare. What is missing, unknown or of another shape is listed in one
 * ModelFormatException; heads that the backbone does not need are passed over.
 */
public final class HuggingFace {

    private static final Pattern BERT_HEADS = Pattern.compile(
            "(cls|classifier|qa_outputs)\\..*|embeddings\\.position_ids");
    /** Causal masks that older versions have stored, and heads. */
    private static final Pattern GPT2_HEADS = Pattern.compile(
            "h\\.\\d+\\.attn\\.(bias|masked_bias)|score\\.weight|multiple_choice_head\\..*");

    private HuggingFace() {
    }

    /** A BERT with its pooler, in the arena. */
    public static Bert.Pooled bert(Path folder, TensorArena arena, DType dtype) throws IOException {
        HuggingFaceConfig.Bert config = config(folder, HuggingFaceConfig::bert);
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            HuggingFaceWeights weights = new HuggingFaceWeights(folder, checkpoint, "bert.", BERT_HEADS,
                    ForeignLayout.renamed(BertNames.MAP), arena, dtype);
            int width = config.encoder().width();
            Bert.Pooled pooled = new Bert.Pooled(Bert.of(config.encoder(), config.types(), weights),
                    Linear.of(weights, "pooler", width, width, true));
            weights.check();
            return pooled;
        }
    }

    /** A GPT-2, in the arena. */
    public static LongNet gpt2(Path folder, TensorArena arena, DType dtype) throws IOException {
        LongNetConfig config = config(folder, HuggingFaceConfig::gpt2);
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            HuggingFaceWeights weights = new HuggingFaceWeights(folder, checkpoint, "transformer.", GPT2_HEADS,
                    Gpt2Layout.LAYOUT, arena, dtype);
            LongNet model = LongNet.of(config, weights);
            if (config.tiedOutput()) {
                weights.checkTied("lm_head.weight", "wte.weight");
            }
            weights.check();
            return model;
        }
    }

    private static <C> C config(Path folder, Function<JsonObject, C> read) throws IOException {
        Path file = folder.resolve(ModelFolder.CONFIG);
        JsonObject json = JsonObject.of("config", ModelConfig.readJson(file));
        try {
            C config = read.apply(json);
            json.rejectUnread();
            return config;
        } catch (IllegalArgumentException | ArithmeticException e) {
            throw new ModelFormatException(file, ModelFormatException.NO_OFFSET, null, String.valueOf(e.getMessage()));
        }
    }
}
