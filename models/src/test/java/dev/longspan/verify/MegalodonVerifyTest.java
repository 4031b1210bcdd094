package dev.longspan.verify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.longspan.backend.Backend;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MegalodonVerifyTest {

    private static final String CEMA = "cema_tiny_f64.safetensors";
    private static final String NORM = "tsnorm_mask_f64.safetensors";
    private static final String ATTENTION = "attn_short_f64.safetensors";
    private static final String PLUS_ONE = "norms_f64.safetensors";
    private static final String BLOCK = "block_swiglu_f32.safetensors";
    private static final String MODEL = "model_short_f32.safetensors";
    private static final String GRADIENTS = "model_f32.safetensors";
    private static final String INFERENCE = "inference_generate_f32.safetensors";
    private static final String TRAINING = "train6_f64.safetensors";
    private static final String PACKED = "packed_f64.safetensors";

    @TempDir
    Path folder;

    private GoldenFolder goldens;

    @BeforeEach
    void takeTheFolder() {
        goldens = new GoldenFolder("megalodon", folder);
    }

    @ParameterizedTest
    @ValueSource(strings = {"scalar", "vector", "host"})
    void theOriginalsGoldensHoldButForThoseThatMissTheirOwnFormula(String name) throws Exception {
        Backend backend = Backend.all().stream().filter(b -> b.name().equals(name)).findFirst().orElseThrow();
        Assumptions.assumeTrue(backend.available() != null, () -> String.valueOf(backend.reason()));
        Set<String> spoilt = name.equals("scalar") ? Set.of("loss", "g_x", "g_weight", "y_ref64")
                : Set.of("loss", "g_x", "g_weight");
        StringBuilder out = new StringBuilder();
        Summary summary = Verify.run(GoldenFolder.goldens("megalodon"), backend, Parallel.of(2), out);
        assertThat(summary.failed()).as(out.toString()).isZero();
        assertThat(summary.lines()).hasSize(460);
        assertThat(summary.lines()).filteredOn(line -> line.verdict() == Line.Verdict.SPOILT).extracting(Line::name, Line::tensor)
                .containsExactlyInAnyOrderElementsOf(spoilt.stream().map(t -> tuple("tsnorm_offset_f32", t)).toList());
        assertThat(out.toString().strip()).endsWith(spoilt.size() + " not counted (spoilt in the reference)");
    }

    @Test
    void anErrorThatExactArithmeticDoesNotHaveIsAFailureInASpoiltTensorToo() throws Exception {
        Summary summary = goldens.changed("tsnorm_offset_f32.safetensors", GoldenFolder::nothing,
                tensors -> Objects.requireNonNull(tensors.get("g_x")).fill(1));
        assertThat(summary.lines()).filteredOn(line -> line.verdict() == Line.Verdict.FAILED).extracting(Line::tensor)
                .as(goldens.output()).containsExactly("g_x");
    }

    @ParameterizedTest
    @ValueSource(strings = {CEMA, NORM, ATTENTION, PLUS_ONE, BLOCK, MODEL, INFERENCE, TRAINING, PACKED})
    void anUnknownConfigurationKeyFailsWithOneClearLine(String file) throws Exception {
        assertThat(goldens.configured(file, "colour", "red")).hasToString("0 passed, 1 failed");
        assertThat(goldens.output()).contains("config has unknown keys: colour");
    }

    @ParameterizedTest
    @CsvSource({BLOCK + ", cfg, config", MODEL + ", cfg, config", INFERENCE + ", cfg, config", PACKED + ", cfg, config",
            TRAINING + ", cfg, config", TRAINING + ", optim, config.optim"})
    void anUnknownKeyOfTheModelOrTheOptimizerFails(String file, String object, String where) throws Exception {
        assertThat(goldens.changed(file, inObject(object, "colour", "red"), GoldenFolder::nothing))
                .hasToString("0 passed, 1 failed");
        assertThat(goldens.output()).contains(where + " has unknown keys: colour");
    }

    @ParameterizedTest
    @CsvSource({CEMA + ", N", CEMA + ", L", CEMA + ", D", CEMA + ", B", NORM + ", H", NORM + ", L", NORM + ", B",
            ATTENTION + ", L", ATTENTION + ", B", BLOCK + ", B", BLOCK + ", L", MODEL + ", L", INFERENCE + ", B"})
    void aSizeThatIsNotTheTensorsFailsWithOneClearLine(String file, String size) throws Exception {
        assertThat(goldens.configured(file, size, 77L)).hasToString("0 passed, 1 failed");
        assertThat(goldens.output()).contains("config." + size + " must be the tensors'").contains(size + "=77");
    }

    @ParameterizedTest
    @CsvSource({CEMA, NORM})
    void chunksThatDoNotAddUpToTheRowsFailWithOneClearLine(String file) throws Exception {
        for (List<Long> chunks : List.of(List.of(2L, 2L), List.of(2L, 40L), List.of(-1L, 6L), List.of(5L, 9L, 1L))) {
            assertThat(goldens.configured(file, "chunks", chunks)).as(chunks.toString()).hasToString("0 passed, 1 failed");
            assertThat(goldens.output()).contains("parts must").contains(chunks.toString());
        }
    }

    @ParameterizedTest
    @CsvSource({CEMA, NORM})
    void anyChunksGiveTheSame(String file) throws Exception {
        long rows = file.equals(CEMA) ? 5 : 14;
        for (List<Long> chunks : List.of(List.of(rows), List.of(1L, rows - 1), Collections.nCopies((int) rows, 1L))) {
            assertThat(goldens.configured(file, "chunks", chunks).isOk()).as(goldens.output()).isTrue();
        }
        assertThat(goldens.configured(file, "chunks", null).isOk()).as(goldens.output()).isTrue();
    }

    @ParameterizedTest
    @CsvSource({CEMA, NORM})
    void anotherLossThanTheKindsFails(String file) throws Exception {
        assertThat(goldens.configured(file, "loss", "sum(y)")).hasToString("0 passed, 1 failed");
        assertThat(goldens.output()).contains("config.loss must be").contains("loss=sum(y)");
    }

    @Test
    void aStateThatIsMissingFails() throws Exception {
        assertThat(goldens.configured(CEMA, "with_hx", false)).hasToString("0 passed, 1 failed");
        assertThat(goldens.output()).contains("with_hx=false");
    }

    @ParameterizedTest
    @CsvSource({CEMA + ", g_alpha", NORM + ", g_prev_mean", ATTENTION + ", final_cache_k", PLUS_ONE + ", ln_g_bias",
            BLOCK + ", g.nffn.fc3.weight", MODEL + ", cache.0.k", MODEL + ", cache.1.cema_h", MODEL + ", cache.out.ts_mean",
            MODEL + ", cache.1.kcount", MODEL + ", greedy", BLOCK + ", g.mega.cema.theta", INFERENCE + ", nll_truncated",
            INFERENCE + ", gen3_out", TRAINING + ", grad_norm",
            TRAINING + ", final.output.final_norm.bias", PACKED + ", logits"})
    void aChangedExpectationFailsItsTensorAndNoOther(String file, String tensor) throws Exception {
        Summary summary = goldens.changed(file, GoldenFolder::nothing, tensors -> {
            Tensor expected = Objects.requireNonNull(tensors.get(tensor));
            double[] values = expected.toDoubles();
            values[values.length - 1] += expected.dtype().isFloating() ? file.contains("f32") ? 1e-3 : 1e-8 : 1;
            expected.set(values);
        });
        assertThat(summary.lines().stream().filter(line -> !line.isOk()).map(Line::tensor)).as(goldens.output())
                .containsExactly(tensor);
    }

    /** The tensor cut to [1, 1], in the manifest too. */
    private Summary withOneElement(String file, String tensor) throws Exception {
        return goldens.changed(file,
                entry -> GoldenFolder.object(GoldenFolder.object(entry, "tensors"), tensor).put("shape", List.of(1L, 1L)),
                tensors -> tensors.compute(tensor,
                        (name, t) -> Objects.requireNonNull(t).reshape(-1).slice(0, 0, 1).reshape(1, 1)));
    }

    @ParameterizedTest
    @CsvSource({CEMA + ", delta", NORM + ", weight", NORM + ", padding_mask", NORM + ", prev_mean", ATTENTION + ", gamma",
            ATTENTION + ", v", PLUS_ONE + ", rms_weight"})
    void anInputOfTheWrongShapeFailsWithOneClearLine(String file, String tensor) throws Exception {
        assertThat(withOneElement(file, tensor)).as(goldens.output()).hasToString("0 passed, 1 failed");
        assertThat(goldens.output()).contains("[1, 1]");
    }

    @ParameterizedTest
    @CsvSource({BLOCK + ", p.mega.gamma", BLOCK + ", p.nffn.fc3.weight", MODEL + ", p.output.output.weight",
            MODEL + ", p.layers.1.mega.cema.theta"})
    void aWeightOfTheWrongShapeFailsWithOneClearLine(String file, String tensor) throws Exception {
        assertThat(withOneElement(file, tensor)).as(goldens.output()).hasToString("0 passed, 1 failed");
        assertThat(goldens.output()).contains("tensor " + tensor + " must have shape");
    }

    private static Consumer<Map<String, @Nullable Object>> inObject(String object, String key, Object value) {
        return entry -> GoldenFolder.object(GoldenFolder.object(entry, "config"), object).put(key, value);
    }

    @Test
    void aWeightThatTheConfigurationHasNoPlaceForFails() throws Exception {
        Summary summary = goldens.changed(BLOCK, inObject("cfg", "swiglu", false), GoldenFolder::nothing);
        assertThat(summary.failed()).isPositive();
        assertThat(goldens.output()).contains("tensor p.nffn.fc3.weight is not known")
                .contains("tensor g.nffn.fc3.weight is not known");
    }

    @Test
    void aWeightThatIsMissingFailsWithOneClearLine() throws Exception {
        assertThat(goldens.changed(BLOCK, inObject("cfg", "rescale_nffn", true), GoldenFolder::nothing))
                .hasToString("0 passed, 1 failed");
        assertThat(goldens.output()).contains("tensor p.nffn.alpha is missing");
    }

    @Test
    void tiedTablesThatDifferFailWithOneClearLine() throws Exception {
        assertThat(goldens.changed(MODEL, inObject("cfg", "share_emb", true), GoldenFolder::nothing))
                .hasToString("0 passed, 1 failed");
        assertThat(goldens.output()).contains("tied tables must be equal: p.embed.weight, p.output.output.weight");
    }

    @Test
    void aTiedTableHasOneGradientUnderBothNames() throws Exception {
        goldens.changed(GRADIENTS, inObject("cfg", "share_emb", true),
                tensors -> Objects.requireNonNull(tensors.get("p.output.output.weight"))
                        .copyFrom(Objects.requireNonNull(tensors.get("p.embed.weight"))));
        assertThat(goldens.output()).contains("g.output.output.weight").doesNotContain("not known");
    }

    @Test
    void partsOfTheReferencesStreamThatDoNotAddUpFail() throws Exception {
        assertThat(goldens.configured(MODEL, "checks", Map.of("stream_mixed_parts", List.of(3L, 3L))))
                .hasToString("0 passed, 1 failed");
        assertThat(goldens.output()).contains("parts must add up to the rows: parts=[3, 3], rows=7");
    }

    @Test
    void aTokenOutsideTheVocabularyFailsWithOneClearLine() throws Exception {
        assertThat(goldens.changed(MODEL, GoldenFolder::nothing, tensors ->
                Objects.requireNonNull(tensors.get("tokens")).fill(53))).hasToString("0 passed, 1 failed");
        assertThat(goldens.output()).contains("ids must be in [0, 53): ids[0]=53");
    }

    @Test
    void documentsOfOtherLengthsThanTheSegmentsFail() throws Exception {
        assertThat(goldens.configured(PACKED, "lens", List.of(5L, 16L, 4L, 7L))).hasToString("0 passed, 1 failed");
        assertThat(goldens.output()).contains("lens=[5, 16, 4, 7], segment_ids=[5, 16, 3, 8]");
    }

    @Test
    void anUnknownScheduleFails() throws Exception {
        assertThat(goldens.changed(TRAINING, inObject("optim", "scheduler", "step"), GoldenFolder::nothing))
                .hasToString("0 passed, 1 failed");
        assertThat(goldens.output()).contains("scheduler must be linear, cosine or constant: scheduler=step");
    }

    @Test
    void whatOnlyOneWayOfFeedingTheSequenceGivesWrongFails() throws Exception {
        assertThat(goldens.changed(CEMA, GoldenFolder::nothing, GoldenFolder::nothing)).hasToString("10 passed, 0 failed");
        CaseRunner right = new CemaCase();
        CaseRunner forgetful = new CaseRunner() {
            @Override
            public Map<String, Values> run(GoldenCase golden, Variant variant, Machine machine) {
                Map<String, Values> results = new LinkedHashMap<>(right.run(golden, variant, machine));
                if (!variant.parts().equals(Parts.WHOLE)) {
                    Objects.requireNonNull(results.get("h_last")).elements()[0] += 1;
                }
                return results;
            }

            @Override
            public List<Parts> partitions(GoldenCase golden) {
                return right.partitions(golden);
            }
        };
        assertThat(goldens.run(Map.of("cema", forgetful))).hasToString("9 passed, 1 failed");
        assertThat(goldens.output()).contains("FAILED in parts [2, 1, 2]");
    }
}
