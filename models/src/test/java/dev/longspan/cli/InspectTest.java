package dev.longspan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.checkpoint.Checkpoint;
import dev.longspan.json.Json;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.TensorArena;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InspectTest {

    @TempDir
    private Path folder;

    @Test
    void tensorsAreListedWithWhatIsNotFinite() {
        CommandLineRun run = CommandLineRun.of("inspect", saved(1, Double.NaN).toString());
        assertThat(run.status()).isZero();
        assertThat(run.out()).contains("F32", "[2]", "a.weight", "2 tensors, 5 elements", "1 not finite");
        Map<String, ?> json = Json.object(CommandLineRun.of("inspect", "--format", "json",
                folder.resolve("m.safetensors").toString()).out());
        assertThat(json.get("non_finite")).isEqualTo(1L);
    }

    @Test
    void nonFiniteWeightsAreRefusedOnRequestOnly() {
        String planted = saved(Double.NEGATIVE_INFINITY, 2).toString();
        CommandLineRun refused = CommandLineRun.of("inspect", "--reject-nonfinite", planted);
        assertThat(refused.status()).isEqualTo(ExitStatus.CHECK_FAILED);
        assertThat(refused.err()).startsWith("error: ").contains(planted).hasLineCount(1);
        assertThat(CommandLineRun.of("inspect", "--reject-nonfinite", saved(1, 2).toString()).status()).isZero();
    }

    @Test
    void aTruncatedFileIsOneLineAndStatus3() throws IOException {
        Path file = saved(1, 2);
        byte[] whole = Files.readAllBytes(file);
        for (int length : new int[] {0, 7, 9, whole.length / 2, whole.length - 1}) {
            Files.write(file, Arrays.copyOf(whole, length));
            CommandLineRun run = CommandLineRun.of("inspect", file.toString());
            assertThat(run.status()).as("length=%d", length).isEqualTo(ExitStatus.BAD_FILE);
            assertThat(run.err()).startsWith("error: ").contains(file.toString()).hasLineCount(1);
        }
    }

    @Test
    void aTorchFileIsListedViewsIncluded() throws IOException {
        Path file = folder.resolve("state_dict.pth");
        try (InputStream in = InspectTest.class.getResourceAsStream("/torch/state_dict.pth")) {
            assertThat(in).isNotNull();
            Files.copy(in, file);
        }
        CommandLineRun run = CommandLineRun.of("inspect", file.toString());
        assertThat(run.status()).as(run.err()).isZero();
        assertThat(run.out()).contains("linear.weight", "7 tensors, 36 elements", "0 not finite")
                .containsPattern("BF16 +\\[3\\] +6").containsPattern("F32 +\\[2, 4\\] +32");
        Files.write(file, "not a zip".getBytes(StandardCharsets.UTF_8));
        CommandLineRun refused = CommandLineRun.of("inspect", file.toString());
        assertThat(refused.status()).isEqualTo(ExitStatus.BAD_FILE);
        assertThat(refused.err()).startsWith("error: ").contains("no torch file").hasLineCount(1);
    }

    @Test
    void aMissingFileIsStatus3() {
        CommandLineRun run = CommandLineRun.of("inspect", folder.resolve("none").toString());
        assertThat(run.status()).isEqualTo(ExitStatus.BAD_FILE);
        assertThat(run.err()).contains("no such file").hasLineCount(1);
    }

    private Path saved(double first, double second) {
        Path file = folder.resolve("m.safetensors");
        try (TensorArena arena = new TensorArena()) {
            Checkpoint.save(file, Map.of("a.weight", arena.allocate(DType.F32, 2).set(first, second),
                    "ids", arena.allocate(DType.I64, 3)), Map.of());
        }
        return file;
    }
}
