package dev.longspan.verify;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.backend.Backend;
import dev.longspan.checkpoint.Checkpoint;
import dev.longspan.json.Json;
import dev.longspan.parallel.Parallel;
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
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VerifyTest {

    private static final String XPOS = "xpos_x01.safetensors";
    private static final String ENCODER = "encoder_e01_longvit_style.safetensors";

    @TempDir
    Path folder;

    private final StringBuilder out = new StringBuilder();

    @ParameterizedTest
    @ValueSource(strings = {"scalar", "vector"})
    void theReferencesGoldensHold(String name) throws Exception {
        Backend backend = Backend.all().stream().filter(b -> b.name().equals(name)).findFirst().orElseThrow();
        Assumptions.assumeTrue(backend.available() != null, () -> String.valueOf(backend.reason()));
        Summary summary = Verify.run(goldens(), backend, Parallel.of(2), out);
        assertThat(summary.failed()).as(out.toString()).isZero();
        assertThat(summary.passed()).isEqualTo(247);
        assertThat(out.toString()).endsWith("247 passed, 0 failed" + System.lineSeparator());
    }

    private static Path goldens() throws URISyntaxException {
        return Path.of(Objects.requireNonNull(VerifyTest.class.getResource("/goldens/longnet")).toURI());
    }

    /** Runs one file of the goldens with its manifest entry and its tensors changed. */
    private Summary changed(String file, Consumer<Map<String, @Nullable Object>> entry, Consumer<Map<String, Tensor>> tensors)
            throws Exception {
        Map<String, @Nullable Object> manifest = Json.object(Files.readString(goldens().resolve("manifest.json")));
        Map<String, @Nullable Object> chosen = object(object(manifest, "files"), file);
        entry.accept(chosen);
        manifest.put("files", new LinkedHashMap<>(Map.of(file, chosen)));
        Files.writeString(folder.resolve("manifest.json"), Json.pretty(manifest));
        try (Checkpoint checkpoint = Checkpoint.open(goldens().resolve(file)); TensorArena arena = new TensorArena()) {
            Map<String, Tensor> copies = new LinkedHashMap<>();
            checkpoint.tensors().forEach((name, tensor) ->
                    copies.put(name, arena.allocate(tensor.dtype(), tensor.shape()).copyFrom(tensor)));
            tensors.accept(copies);
            Checkpoint.save(folder.resolve(file), copies, Map.of());
        }
        return run();
    }

    private Summary run() throws IOException {
        return Verify.run(folder, Backend.named("scalar"), Parallel.of(1), out);
    }

    @SuppressWarnings("unchecked")
    private static Map<String, @Nullable Object> object(Map<String, @Nullable Object> of, String key) {
        return (Map<String, @Nullable Object>) Objects.requireNonNull(of.get(key));
    }

    private static void nothing(Map<String, ?> unchanged) {
    }

    @Test
    void anUnchangedCopyHolds() throws Exception {
        assertThat(changed(XPOS, VerifyTest::nothing, VerifyTest::nothing)).hasToString("6 passed, 0 failed");
    }

    @Test
    void aChangedValueFailsItsTensorAndNoOther() throws Exception {
        Summary summary = changed(XPOS, VerifyTest::nothing, tensors -> {
            Tensor expected = Objects.requireNonNull(tensors.get("k_rot_f64"));
            double[] values = expected.toDoubles();
            values[7] += 1e-9;
            expected.set(values);
        });
        assertThat(summary).as(out.toString()).hasToString("5 passed, 1 failed");
        assertThat(out.toString().lines().filter(line -> line.contains("FAILED"))).singleElement().asString()
                .contains("k_rot_f64");
    }

    @Test
    void aNotANumberWhereNoneBelongsFails() throws Exception {
        Summary summary = changed(XPOS, VerifyTest::nothing, tensors ->
                Objects.requireNonNull(tensors.get("q_last_f32")).fill(Double.NaN));
        assertThat(summary).hasToString("5 passed, 1 failed");
    }

    @Test
    void anUnknownKindFails() throws Exception {
        assertThat(changed(XPOS, entry -> object(entry, "config").put("kind", "mystery"), VerifyTest::nothing))
                .hasToString("0 passed, 1 failed");
        assertThat(out.toString()).contains("kind=mystery");
    }

    @Test
    void anUnknownConfigurationKeyFails() throws Exception {
        for (String file : List.of(XPOS, ENCODER)) {
            assertThat(changed(file, entry -> object(entry, "config").put("colour", "red"), VerifyTest::nothing))
                    .hasToString("0 passed, 1 failed");
            assertThat(out.toString()).contains("unknown keys: colour");
            Files.delete(folder.resolve(file));
        }
    }

    @Test
    void anUnknownTensorFailsWhateverItsRole() throws Exception {
        for (String role : List.of("input", "weight", "expected", "reference")) {
            Summary summary = changed(XPOS, entry -> object(entry, "tensors").put("mystery_f64", Map.of("dtype", "float64",
                            "shape", List.of(1L), "role", role, "precision", "f64", "tol", Map.of("f64", 1.0, "f32", 1.0))),
                    tensors -> tensors.put("mystery_f64", tensors.values().iterator().next().reshape(-1).slice(0, 0, 1)));
            assertThat(summary.failed()).as(role + " " + out).isEqualTo(1);
            assertThat(out.toString()).contains("mystery_f64");
        }
    }

    @Test
    void aTensorThatOnlyTheFileOrOnlyTheManifestHasFails() throws Exception {
        assertThat(changed(XPOS, entry -> object(entry, "tensors").remove("q_last_f32"), VerifyTest::nothing))
                .hasToString("0 passed, 1 failed");
        assertThat(changed(XPOS, VerifyTest::nothing, tensors -> tensors.remove("q_last_f32")))
                .hasToString("0 passed, 1 failed");
    }

    @Test
    void anotherShapeOrSizeThanTheManifestSaysFails() throws Exception {
        assertThat(changed(XPOS, entry -> object(object(entry, "tensors"), "x").put("shape", List.of(45L, 2L, 16L)),
                VerifyTest::nothing)).hasToString("0 passed, 1 failed");
        assertThat(changed(XPOS, entry -> object(entry, "config").put("N", 44L), VerifyTest::nothing))
                .hasToString("0 passed, 1 failed");
    }

    @Test
    void anotherScheduleThanTheReferenceUsedFails() throws Exception {
        Summary summary = changed("core_c04_causal_3branch.safetensors", entry ->
                object(entry, "config").put("dilated_ratio", List.of(1L, 2L, 2L)), VerifyTest::nothing);
        assertThat(summary.failed()).isPositive();
    }

    @Test
    void aScheduleThatCannotBeFailsWithOneClearLine() throws Exception {
        assertThat(changed("core_c04_causal_3branch.safetensors", entry ->
                object(entry, "config").put("dilated_ratio", List.of(9L, 2L, 2L)), VerifyTest::nothing))
                .hasToString("0 passed, 1 failed");
        assertThat(out.toString()).contains("dilation must not exceed segment: dilation=9, segment=8");
    }

    @Test
    void aTokenOutsideTheVocabularyFailsWithOneClearLine() throws Exception {
        assertThat(changed("decoder_d01_subln_xpos.safetensors", VerifyTest::nothing, tensors -> {
            Tensor tokens = Objects.requireNonNull(tensors.get("tokens"));
            long[] ids = tokens.toLongs();
            ids[3] = 61;
            tokens.set(ids);
        })).hasToString("0 passed, 1 failed");
        assertThat(out.toString()).contains("ids must be in [0, 61): ids[3]=61");
    }

    @Test
    void anEmptyFolderFails() throws Exception {
        assertThat(run()).hasToString("0 passed, 1 failed");
        Files.writeString(folder.resolve("manifest.json"), "{\"files\": {}}");
        assertThat(run()).hasToString("0 passed, 1 failed");
        Files.writeString(folder.resolve("manifest.json"), "nonsense");
        assertThat(run()).hasToString("0 passed, 1 failed");
    }

    @Test
    void aFileThatTheManifestDoesNotListFails() throws Exception {
        assertThat(changed(XPOS, VerifyTest::nothing, VerifyTest::nothing).isOk()).isTrue();
        try (TensorArena arena = new TensorArena()) {
            Checkpoint.save(folder.resolve("stray.safetensors"), Map.of("x", arena.allocate(DType.F32, 1)), Map.of());
        }
        assertThat(run()).hasToString("6 passed, 1 failed");
    }

    @Test
    void aTruncatedFileFails() throws Exception {
        changed(XPOS, VerifyTest::nothing, VerifyTest::nothing);
        byte[] bytes = Files.readAllBytes(folder.resolve(XPOS));
        Files.write(folder.resolve(XPOS), java.util.Arrays.copyOf(bytes, bytes.length - 1));
        assertThat(run()).hasToString("0 passed, 1 failed");
    }
}
