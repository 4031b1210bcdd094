package dev.longspan.verify;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.backend.Backend;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
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

    @TempDir
    Path folder;

    private GoldenFolder goldens;

    @BeforeEach
    void takeTheFolder() {
        goldens = new GoldenFolder("megalodon", folder);
    }

    /**
     * Of {@code tsnorm_offset_f32}, numbers 1000 ± 0.1, the file holds what float32 moments made of them: g_weight is off by
     * 8e-2, g_x by 2e-2 and the loss by 1.3e-1 from exact arithmetic, of which 2.7e-3, 4.3e-3 and 1.0e-1 are allowed; y_ref64
     * is off by 8e-8 of allowed 5e-11, for variances that were taken as a difference of float64 sums.
     */
    @ParameterizedTest
    @CsvSource({"scalar, loss g_x g_weight y_ref64", "vector, loss g_x g_weight"})
    void theOriginalsGoldensHoldButForThoseThatFloat32Spoilt(String name, String spoilt) throws Exception {
        Backend backend = Backend.all().stream().filter(b -> b.name().equals(name)).findFirst().orElseThrow();
        Assumptions.assumeTrue(backend.available() != null, () -> String.valueOf(backend.reason()));
        StringBuilder out = new StringBuilder();
        Summary summary = Verify.run(GoldenFolder.goldens("megalodon"), backend, Parallel.of(2), out);
        assertThat(summary.lines().stream().filter(line -> !line.isOk() && !line.tensor().contains("kind is not known"))
                .map(line -> line.name() + " " + line.tensor()))
                .as(out.toString())
                .containsExactlyElementsOf(List.of(spoilt.split(" ")).stream().map(t -> "tsnorm_offset_f32 " + t).toList());
    }

    @ParameterizedTest
    @ValueSource(strings = {CEMA, NORM, ATTENTION, PLUS_ONE})
    void anUnknownConfigurationKeyFailsWithOneClearLine(String file) throws Exception {
        assertThat(goldens.configured(file, "colour", "red")).hasToString("0 passed, 1 failed");
        assertThat(goldens.output()).contains("config has unknown keys: colour");
    }

    @ParameterizedTest
    @CsvSource({CEMA + ", N", CEMA + ", L", CEMA + ", D", CEMA + ", B", NORM + ", H", NORM + ", L", NORM + ", B",
            ATTENTION + ", L", ATTENTION + ", B"})
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
    @CsvSource({CEMA + ", g_alpha", NORM + ", g_prev_mean", ATTENTION + ", final_cache_k", PLUS_ONE + ", ln_g_bias"})
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

    @ParameterizedTest
    @CsvSource({CEMA + ", delta", NORM + ", weight", NORM + ", padding_mask", NORM + ", prev_mean", ATTENTION + ", gamma",
            ATTENTION + ", v", PLUS_ONE + ", rms_weight"})
    void anInputOfTheWrongShapeFailsWithOneClearLine(String file, String tensor) throws Exception {
        assertThat(goldens.changed(file, entry -> {
            Map<String, Object> listed = GoldenFolder.object(GoldenFolder.object(entry, "tensors"), tensor);
            listed.put("shape", List.of(1L, 1L));
        }, tensors -> tensors.compute(tensor, (name, t) -> Objects.requireNonNull(t).reshape(-1).slice(0, 0, 1).reshape(1, 1))))
                .as(goldens.output()).hasToString("0 passed, 1 failed");
        assertThat(goldens.output()).contains("[1, 1]");
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
