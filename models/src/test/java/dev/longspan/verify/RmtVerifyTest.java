package dev.longspan.verify;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.backend.Backend;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RmtVerifyTest {

    private static final String ENCODER = "enc_batch_lengths.safetensors";
    private static final String MEAN = "enc_3seg_sumloss.safetensors";
    private static final String DECODER = "dec_padding.safetensors";
    private static final String CUT = "dec_k2_2_aaai24.safetensors";

    @TempDir
    Path folder;

    private GoldenFolder goldens;

    @BeforeEach
    void takeTheFolder() {
        goldens = new GoldenFolder("rmt", folder);
    }

    @ParameterizedTest
    @ValueSource(strings = {"scalar", "vector", "host"})
    void theReleasedCodesGoldensHold(String name) throws Exception {
        Backend backend = Backend.all().stream().filter(b -> b.name().equals(name)).findFirst().orElseThrow();
        Assumptions.assumeTrue(backend.available() != null, () -> String.valueOf(backend.reason()));
        StringBuilder out = new StringBuilder();
        Summary summary = Verify.run(GoldenFolder.goldens("rmt"), backend, Parallel.of(2), out);
        assertThat(summary.lines().stream().filter(line -> !line.isOk())).as(out.toString()).isEmpty();
        assertThat(summary).hasToString("1199 passed, 0 failed");
    }

    @ParameterizedTest
    @ValueSource(strings = {ENCODER, DECODER})
    void anUnknownConfigurationKeyFailsWithOneClearLine(String file) throws Exception {
        assertThat(goldens.configured(file, "colour", "red")).hasToString("0 passed, 1 failed");
        assertThat(goldens.output()).contains("config has unknown keys: colour");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        ENCODER + " | segment_size | config.segment_size must be what the inputs give: segment_size=77, inputs=18",
        ENCODER + " | batch | batch=77, inputs=4", ENCODER + " | segments_run | segments_run=77, inputs=3",
        ENCODER + " | bptt_depth | bptt_depth=77, inputs=-1", ENCODER + " | vocab | must have a row for each token and memory",
        ENCODER + " | labels | tensor w.model.classifier.weight must have shape [77, 16]",
        ENCODER + " | max_position | tensor w.model.bert.embeddings.position_embeddings.weight must have shape [77, 16]",
        DECODER + " | batch | batch=77, inputs=2", DECODER + " | length | length=77, inputs=24",
        DECODER + " | segments_run | segments_run=77, inputs=3", DECODER + " | n_positions | must have shape [77, 16]",
        DECODER + " | ffn | tensor w.memory_cell.model.transformer.h.0.mlp.c_fc.weight must have shape [77, 16]"})
    void aSizeThatIsNotTheTensorsFailsWithOneClearLine(String file, String key, String message) throws Exception {
        assertThat(goldens.configured(file, key, 77L)).hasToString("0 passed, 1 failed");
        assertThat(goldens.output()).contains(message);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        ENCODER + " | alignment | top | config.alignment must be left, right or center: alignment=top",
        ENCODER + " | act | mish | config.act must be gelu_erf, gelu_tanh, relu or silu: act=mish",
        DECODER + " | module | main | config.module must be aaai24 or framework_accel: module=main",
        DECODER + " | wrap_pos | true | config.wrap_pos is not supported: wrap_pos=true"})
    void aSettingThatIsNotKnownFailsWithOneClearLine(String file, String key, String value, String message) throws Exception {
        assertThat(goldens.configured(file, key, value.equals("true") ? (Object) true : value))
                .hasToString("0 passed, 1 failed");
        assertThat(goldens.output()).contains(message);
    }

    @Test
    void otherLengthsThanTheDocumentsFail() throws Exception {
        assertThat(goldens.configured(ENCODER, "lengths", List.of(54L, 25L, 5L, 36L))).hasToString("0 passed, 1 failed");
        assertThat(goldens.output()).contains("lengths=[54, 25, 5, 36], documents=[54, 25, 4, 36]");
    }

    @ParameterizedTest
    @CsvSource({ENCODER + ", alignment, left", MEAN + ", sum_loss, false", CUT + ", module, framework_accel",
            CUT + ", k2, 3", DECODER + ", alignment, center"})
    void anotherSettingGivesOtherNumbers(String file, String key, String value) throws Exception {
        Object other = value.equals("false") ? (Object) false : value.equals("3") ? (Object) 3L : value;
        assertThat(goldens.configured(file, key, other).failed()).as(goldens.output()).isPositive();
    }

    @ParameterizedTest
    @CsvSource({ENCODER + ", f64.seg0.g_mem_in", ENCODER + ", f64.seg1.mem_out", ENCODER + ", f64.seg2.hidden",
            ENCODER + ", f64.seg1.loss", ENCODER + ", f64.logits", MEAN + ", f64.loss",
            ENCODER + ", f64.g.model.bert.embeddings.word_embeddings.weight", DECODER + ", f64.seg1.g_mem_write",
            DECODER + ", f64.seg0.g_mem_read", DECODER + ", f64.seg0.g_mem_out", DECODER + ", f64.logits",
            DECODER + ", f64.g.memory_cell.memory", DECODER + ", f64.g.memory_cell.model.transformer.h.1.attn.c_attn.weight"})
    void aChangedExpectationFailsItsTensorAndNoOther(String file, String tensor) throws Exception {
        Summary summary = goldens.changed(file, GoldenFolder::nothing, tensors -> {
            Tensor expected = Objects.requireNonNull(tensors.get(tensor));
            double[] values = expected.toDoubles();
            values[values.length - 1] += 1e-8;
            expected.set(values);
        });
        assertThat(summary.lines().stream().filter(line -> !line.isOk()).map(Line::tensor)).as(goldens.output())
                .containsExactly(tensor);
    }

    @Test
    void aTableOfAnotherWidthThanThreeFails() throws Exception {
        String name = "w.memory_cell.model.transformer.h.0.attn.c_attn.weight";
        goldens.changed(DECODER, entry -> GoldenFolder.object(GoldenFolder.object(entry, "tensors"), name)
                .put("shape", List.of(16L, 47L)), tensors -> tensors.compute(name, (n, t) ->
                        Objects.requireNonNull(t).reshape(-1).slice(0, 0, 16 * 47).reshape(16, 47)));
        assertThat(goldens.output()).contains("c_attn must hold queries, keys and values of one width: c_attn=F32[16, 47]");
    }
}
