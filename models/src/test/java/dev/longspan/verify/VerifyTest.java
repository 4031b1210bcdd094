package dev.longspan.verify;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.backend.Backend;
import dev.longspan.checkpoint.Checkpoint;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VerifyTest {

    private static final String XPOS = "xpos_x01.safetensors";
    private static final String ENCODER = "encoder_e01_longvit_style.safetensors";

    @TempDir
    Path folder;

    private GoldenFolder goldens;

    @BeforeEach
    void takeTheFolder() {
        goldens = new GoldenFolder("longnet", folder);
    }

    @ParameterizedTest
    @ValueSource(strings = {"scalar", "vector", "host"})
    void theReferencesGoldensHold(String name) throws Exception {
        Backend backend = Backend.all().stream().filter(b -> b.name().equals(name)).findFirst().orElseThrow();
        Assumptions.assumeTrue(backend.available() != null, () -> String.valueOf(backend.reason()));
        StringBuilder out = new StringBuilder();
        Summary summary = Verify.run(GoldenFolder.goldens("longnet"), backend, Parallel.of(2), out);
        assertThat(summary.failed()).as(out.toString()).isZero();
        assertThat(summary.passed()).isEqualTo(247);
        assertThat(out.toString()).endsWith("247 passed, 0 failed" + System.lineSeparator());
    }

    @Test
    void anUnchangedCopyHolds() throws Exception {
        assertThat(goldens.changed(XPOS, GoldenFolder::nothing, GoldenFolder::nothing)).hasToString("6 passed, 0 failed");
    }

    @Test
    void aChangedValueFailsItsTensorAndNoOther() throws Exception {
        Summary summary = goldens.changed(XPOS, GoldenFolder::nothing, tensors -> {
            Tensor expected = Objects.requireNonNull(tensors.get("k_rot_f64"));
            double[] values = expected.toDoubles();
            values[7] += 1e-9;
            expected.set(values);
        });
        assertThat(summary).as(goldens.output()).hasToString("5 passed, 1 failed");
        assertThat(goldens.output().lines().filter(line -> line.contains("FAILED"))).singleElement().asString()
                .contains("k_rot_f64");
    }

    @Test
    void aNotANumberWhereNoneBelongsFails() throws Exception {
        Summary summary = goldens.changed(XPOS, GoldenFolder::nothing, tensors ->
                Objects.requireNonNull(tensors.get("q_last_f32")).fill(Double.NaN));
        assertThat(summary).hasToString("5 passed, 1 failed");
    }

    @Test
    void whatTheReferenceComputedInBf16IsHeldToABoundOfItsOwn() throws Exception {
        for (double bound : new double[] {1e-2, 1e-12}) {
            Summary summary = goldens.changed(XPOS, entry -> {
                Map<String, Object> listed = GoldenFolder.object(GoldenFolder.object(entry, "tensors"), "k_rot_f64");
                listed.put("precision", "bf16");
                listed.put("tol", Map.of("bf16", bound));
            }, GoldenFolder::nothing);
            assertThat(summary.failed()).as(goldens.output()).isEqualTo(bound == 1e-2 ? 0 : 1);
            Files.delete(folder.resolve(XPOS));
        }
    }

    @Test
    void anUnknownKindFails() throws Exception {
        assertThat(goldens.configured(XPOS, "kind", "mystery"))
                .hasToString("0 passed, 1 failed");
        assertThat(goldens.output()).contains("kind=mystery");
    }

    @Test
    void anUnknownConfigurationKeyFails() throws Exception {
        for (String file : List.of(XPOS, ENCODER)) {
            assertThat(goldens.configured(file, "colour", "red")).hasToString("0 passed, 1 failed");
            assertThat(goldens.output()).contains("unknown keys: colour");
        }
    }

    @Test
    void anUnknownTensorFailsWhateverItsRole() throws Exception {
        for (String role : List.of("input", "weight", "expected", "reference")) {
            Map<String, Object> mystery = Map.of("dtype", "float64", "shape", List.of(1L), "role", role, "precision", "f64",
                    "tol", Map.of("f64", 1.0, "f32", 1.0));
            Summary summary = goldens.changed(XPOS,
                    entry -> GoldenFolder.object(entry, "tensors").put("mystery_f64", mystery),
                    tensors -> tensors.put("mystery_f64", tensors.values().iterator().next().reshape(-1).slice(0, 0, 1)));
            assertThat(summary.failed()).as(role + " " + goldens.output()).isEqualTo(1);
            assertThat(goldens.output()).contains("mystery_f64");
        }
    }

    @Test
    void aTensorThatOnlyTheFileOrOnlyTheManifestHasFails() throws Exception {
        assertThat(goldens.changed(XPOS, entry -> GoldenFolder.object(entry, "tensors").remove("q_last_f32"),
                GoldenFolder::nothing)).hasToString("0 passed, 1 failed");
        assertThat(goldens.changed(XPOS, GoldenFolder::nothing, tensors -> tensors.remove("q_last_f32")))
                .hasToString("0 passed, 1 failed");
    }

    @Test
    void anotherShapeOrSizeThanTheManifestSaysFails() throws Exception {
        assertThat(goldens.changed(XPOS, entry -> GoldenFolder.object(GoldenFolder.object(entry, "tensors"), "x")
                .put("shape", List.of(45L, 2L, 16L)), GoldenFolder::nothing)).hasToString("0 passed, 1 failed");
        assertThat(goldens.configured(XPOS, "N", 44L)).hasToString("0 passed, 1 failed");
    }

    @Test
    void anotherScheduleThanTheReferenceUsedFails() throws Exception {
        Summary summary = goldens.changed("core_c04_causal_3branch.safetensors", entry ->
                GoldenFolder.object(entry, "config").put("dilated_ratio", List.of(1L, 2L, 2L)), GoldenFolder::nothing);
        assertThat(summary.failed()).isPositive();
    }

    @Test
    void aScheduleThatCannotBeFailsWithOneClearLine() throws Exception {
        assertThat(goldens.changed("core_c04_causal_3branch.safetensors", entry ->
                GoldenFolder.object(entry, "config").put("dilated_ratio", List.of(9L, 2L, 2L)), GoldenFolder::nothing))
                .hasToString("0 passed, 1 failed");
        assertThat(goldens.output()).contains("dilation must not exceed segment: dilation=9, segment=8");
    }

    @Test
    void aTokenOutsideTheVocabularyFailsWithOneClearLine() throws Exception {
        assertThat(goldens.changed("decoder_d01_subln_xpos.safetensors", GoldenFolder::nothing, tensors -> {
            Tensor tokens = Objects.requireNonNull(tensors.get("tokens"));
            long[] ids = tokens.toLongs();
            ids[3] = 61;
            tokens.set(ids);
        })).hasToString("0 passed, 1 failed");
        assertThat(goldens.output()).contains("ids must be in [0, 61): ids[3]=61");
    }

    @Test
    void anEmptyFolderFails() throws Exception {
        assertThat(goldens.run(Verify.KINDS)).hasToString("0 passed, 1 failed");
        Files.writeString(folder.resolve("manifest.json"), "{\"files\": {}}");
        assertThat(goldens.run(Verify.KINDS)).hasToString("0 passed, 1 failed");
        Files.writeString(folder.resolve("manifest.json"), "nonsense");
        assertThat(goldens.run(Verify.KINDS)).hasToString("0 passed, 1 failed");
    }

    @Test
    void aFileThatTheManifestDoesNotListFails() throws Exception {
        assertThat(goldens.changed(XPOS, GoldenFolder::nothing, GoldenFolder::nothing).isOk()).isTrue();
        try (TensorArena arena = new TensorArena()) {
            Checkpoint.save(folder.resolve("stray.safetensors"), Map.of("x", arena.allocate(DType.F32, 1)), Map.of());
        }
        assertThat(goldens.run(Verify.KINDS)).hasToString("6 passed, 1 failed");
    }

    @Test
    void aTruncatedFileFails() throws Exception {
        goldens.changed(XPOS, GoldenFolder::nothing, GoldenFolder::nothing);
        byte[] bytes = Files.readAllBytes(folder.resolve(XPOS));
        Files.write(folder.resolve(XPOS), java.util.Arrays.copyOf(bytes, bytes.length - 1));
        assertThat(goldens.run(Verify.KINDS)).hasToString("0 passed, 1 failed");
    }
}
