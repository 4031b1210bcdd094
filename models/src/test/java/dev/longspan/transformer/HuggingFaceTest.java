package dev.longspan.transformer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.checkpoint.Checkpoint;
import dev.longspan.checkpoint.ModelFormatException;
import dev.longspan.longnet.LongNet;
import dev.longspan.parallel.Parallel;
import dev.longspan.rmt.Head;
import dev.longspan.rmt.RmtConfig;
import dev.longspan.rmt.RmtDecoder;
import dev.longspan.rmt.RmtEncoder;
import dev.longspan.rmt.SpecialTokens;
import dev.longspan.rmt.TokenSource;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Folders with the weights of RMT's goldens, which are of real {@code BertForSequenceClassification} and
 * {@code GPT2LMHeadModel}, in all the ways in which transformers has written them: what is loaded gives the goldens' logits.
 */
class HuggingFaceTest {

    private static final String BERT = """
            {"model_type": "bert", "architectures": ["BertForMaskedLM"], "vocab_size": 30, "hidden_size": 16,
             "num_attention_heads": 2, "num_hidden_layers": 2, "intermediate_size": 32, "max_position_embeddings": 40,
             "type_vocab_size": 2, "hidden_act": "gelu", "layer_norm_eps": 1e-12, "initializer_range": 0.02,
             "position_embedding_type": "absolute", "gradient_checkpointing": false, "pad_token_id": 0, "use_cache": true,
             "classifier_dropout": null, "transformers_version": "4.57.1", "_name_or_path": "bert"}""";
    private static final String GPT2 = """
            {"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "vocab_size": 30, "n_embd": 16, "n_head": 2,
             "n_layer": 2, "n_inner": null, "n_positions": 32, "n_ctx": 32, "activation_function": "gelu_new",
             "layer_norm_epsilon": 1e-05, "attn_pdrop": 0.1, "embd_pdrop": 0.1, "resid_pdrop": 0.1, "summary_type": "cls_index",
             "task_specific_params": {"text-generation": {"do_sample": true, "max_length": 50}}, "bos_token_id": 50256}""";

    @TempDir
    Path folder;

    private final TensorArena arena = new TensorArena();
    private final Workspace workspace = new Workspace(1 << 20);
    private Checkpoint encoder;
    private Checkpoint decoder;

    @BeforeEach
    void open() throws URISyntaxException {
        encoder = golden("enc_2seg");
        decoder = golden("dec_2seg");
    }

    private static Checkpoint golden(String name) throws URISyntaxException {
        return Checkpoint.open(Path.of(Objects.requireNonNull(
                HuggingFaceTest.class.getResource("/goldens/rmt/" + name + ".safetensors")).toURI()));
    }

    @AfterEach
    void close() {
        encoder.close();
        decoder.close();
        workspace.close();
        arena.close();
    }

    /** BERT's weights below {@code bert.}, the memory's rows left out, under other names. */
    private Map<String, Tensor> bert(UnaryOperator<String> rename) {
        Map<String, Tensor> weights = new LinkedHashMap<>();
        encoder.tensors().forEach((name, tensor) -> {
            if (name.startsWith("w.model.bert.")) {
                weights.put(rename.apply(name.substring("w.model.".length())),
                        name.endsWith("word_embeddings.weight") ? tensor.slice(0, 0, 30) : tensor);
            }
        });
        return weights;
    }

    private Map<String, Tensor> gpt2(UnaryOperator<String> rename) {
        Map<String, Tensor> weights = new LinkedHashMap<>();
        decoder.tensors().forEach((name, tensor) -> {
            if (name.startsWith("w.memory_cell.model.")) {
                weights.put(rename.apply(name.substring("w.memory_cell.model.".length())), tensor);
            }
        });
        return weights;
    }

    private Path write(String config, Map<String, Tensor> weights) throws IOException {
        Files.writeString(folder.resolve("config.json"), config);
        Checkpoint.save(folder.resolve("model.safetensors"), weights, Map.of());
        return folder;
    }

    private Pass inference() {
        return Pass.inference(Backend.named("scalar"), Parallel.of(1), workspace);
    }

    private static void assertClose(Tensor actual, Tensor expected) {
        double[] values = actual.toDoubles();
        double[] truth = expected.toDoubles();
        for (int i = 0; i < truth.length; i++) {
            assertThat(values[i]).as("element %d", i).isCloseTo(truth[i], within(1e-12));
        }
    }

    private void checkBert(Map<String, Tensor> weights) throws IOException {
        Bert.Pooled pooled = HuggingFace.bert(write(BERT, weights), arena, DType.F64);
        Head head = Head.over(pooled.pooler(), 6, 0, arena, 1);
        head.classifier().weight().copyFrom(encoder.tensor("w.model.classifier.weight"));
        Objects.requireNonNull(head.classifier().bias()).copyFrom(encoder.tensor("w.model.classifier.bias"));
        Tensor memory = arena.allocate(DType.F64, 3, 16).copyFrom(
                encoder.tensor("w.model.bert.embeddings.word_embeddings.weight").slice(0, 30, 33));
        RmtEncoder model = new RmtEncoder(RmtConfig.encoder(3, 24), new SpecialTokens(0, 1, 2), pooled.bert(), memory, head);
        List<TokenSource> documents = List.of(0, 1).stream().map(row -> TokenSource.of(
                model.special().stripped(encoder.tensor("input_ids").select(0, row).toLongs()))).toList();
        try (Pass pass = inference()) {
            assertClose(model.logits(pass, documents), encoder.tensor("f64.logits"));
        }
    }

    private void checkGpt2(Map<String, Tensor> weights) throws IOException {
        LongNet gpt2 = HuggingFace.gpt2(write(GPT2, weights), arena, DType.F64);
        Tensor memory = arena.allocate(DType.F64, 3, 16).copyFrom(decoder.tensor("w.memory_cell.memory"));
        try (Pass pass = inference()) {
            assertClose(new RmtDecoder(RmtConfig.decoder(3, 10), gpt2, memory).logits(pass, decoder.tensor("input_ids")),
                    decoder.tensor("f64.logits"));
        }
    }

    @Test
    void aBertLoadsBelowItsPrefixWithHeadsBesideIt() throws IOException {
        Map<String, Tensor> weights = bert(name -> name);
        weights.put("cls.predictions.bias", arena.allocate(DType.F32, 30));
        weights.put("bert.embeddings.position_ids", arena.allocate(DType.I64, 1, 40));
        checkBert(weights);
    }

    @Test
    void aBertLoadsBareWithGammaAndBeta() throws IOException {
        checkBert(bert(name -> name.substring("bert.".length()).replace("LayerNorm.weight", "LayerNorm.gamma")
                .replace("LayerNorm.bias", "LayerNorm.beta")));
    }

    @Test
    void aGpt2LoadsBelowItsPrefixWithTheTiedTableTwice() throws IOException {
        Map<String, Tensor> weights = gpt2(name -> name);
        weights.put("lm_head.weight", decoder.tensor("w.memory_cell.model.transformer.wte.weight"));
        checkGpt2(weights);
        weights.put("lm_head.weight", arena.allocate(DType.F32, 30, 16));
        assertThatExceptionOfType(ModelFormatException.class).isThrownBy(() -> checkGpt2(weights))
                .withMessageContaining("different 1: lm_head.weight is not wte.weight, though config.json ties them");
    }

    @Test
    void aGpt2LoadsBareWithStoredMasks() throws IOException {
        Map<String, Tensor> weights = gpt2(name -> name.substring("transformer.".length()));
        weights.put("h.0.attn.bias", arena.allocate(DType.U8, 1, 1, 32, 32));
        weights.put("h.1.attn.masked_bias", arena.allocate(DType.F32));
        checkGpt2(weights);
    }

    @Test
    void allThatIsMissingUnknownOrOfAnotherShapeIsListedAtOnce() throws IOException {
        Map<String, Tensor> weights = bert(name -> name);
        weights.remove("bert.pooler.dense.bias");
        weights.put("bert.encoder.layer.2.output.dense.bias", arena.allocate(DType.F32, 16));
        weights.put("bert.encoder.layer.0.intermediate.dense.weight", arena.allocate(DType.F32, 32, 15));
        write(BERT, weights);
        assertThatExceptionOfType(ModelFormatException.class).isThrownBy(() -> HuggingFace.bert(folder, arena, DType.F64))
                .withMessageContaining("missing 1: pooler.dense.bias").withMessageNotContaining("\n")
                .withMessageContaining("unknown 1: encoder.layer.2.output.dense.bias")
                .withMessageContaining("different 1: encoder.layer.0.intermediate.dense.weight is F32[32, 15], expected [32, 16]");
        Map<String, Tensor> fused = gpt2(name -> name);
        fused.put("transformer.h.0.attn.c_attn.weight", arena.allocate(DType.F32, 16, 45));
        write(GPT2, fused);
        assertThatExceptionOfType(ModelFormatException.class).isThrownBy(() -> HuggingFace.gpt2(folder, arena, DType.F64))
                .withMessageContaining("h.0.attn.c_attn.weight is F32[16, 45], expected [16, 16]");
        Map<String, Tensor> both = bert(name -> name);
        both.put("pooler.dense.bias", arena.allocate(DType.F32, 16));
        write(BERT, both);
        assertThatExceptionOfType(ModelFormatException.class).isThrownBy(() -> HuggingFace.bert(folder, arena, DType.F64))
                .withMessageContaining("is there twice");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "\"model_type\": \"bert\" | \"model_type\": \"roberta\" | config.model_type must be bert: model_type=roberta",
        "\"use_cache\": true | \"colour\": \"red\" | config has unknown keys: colour",
        "\"hidden_act\": \"gelu\" | \"hidden_act\": \"mish\" | config.hidden_act must be gelu, gelu_new",
        "\"absolute\" | \"relative_key\" | config.position_embedding_type must be absolute",
        "\"use_cache\": true | \"is_decoder\": true | config.is_decoder is not supported: is_decoder=true",
        "\"hidden_size\": 16 | \"hidden_size\": 17 | heads must divide width"})
    void aConfigurationThatIsNotUnderstoodIsRefused(String from, String to, String message) throws IOException {
        write(BERT.replace(from, to), bert(name -> name));
        assertThatExceptionOfType(ModelFormatException.class).isThrownBy(() -> HuggingFace.bert(folder, arena, DType.F64))
                .withMessageContaining("config.json: " + message);
    }
}
