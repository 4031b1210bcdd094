package dev.longspan.jmh.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.longspan.json.Json;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Arguments and the report of {@code gpu-check}: what needs no GPU. */
class GpuCheckTest {

    @TempDir
    Path folder;

    @Test
    void argumentsAreAFolderAndHowMuch() {
        assertThat(GpuCheck.Options.of()).isEqualTo(new GpuCheck.Options(Path.of("gpu-results"), false, "cuda", "full"));
        assertThat(GpuCheck.Options.of("--quick", "out")).isEqualTo(new GpuCheck.Options(Path.of("out"), true, "cuda", "quick"));
        assertThat(GpuCheck.Options.of("--backend", "host", "--tiny").schedule()).isEqualTo("tiny");
    }

    @Test
    void otherArgumentsAreRefusedByName() {
        for (String[] arguments : List.of(new String[] {"--fast"}, new String[] {"a", "b"})) {
            assertThatIllegalArgumentException().isThrownBy(() -> GpuCheck.Options.of(arguments))
                    .withMessage("usage: gpu-check [--quick] [OUT]: argument=" + arguments[arguments.length - 1]);
        }
        assertThatIllegalArgumentException().isThrownBy(() -> GpuCheck.Options.of("--backend"))
                .withMessage("--backend needs a value");
    }

    @Test
    void aDeviceIsSweptAgainstTheHost() {
        assertThat(GpuCheck.sweeps("cuda", GpuCheck.SWEEPS)).contains("-Dlongspan.test.reference=host",
                "--select-package=dev.longspan.kernel.cuda");
        assertThat(GpuCheck.sweeps("host", GpuCheck.SWEEPS)).contains("--select-package=dev.longspan.kernel.host")
                .doesNotContain("-Dlongspan.test.reference=host");
    }

    @Test
    void aFailedPartFailsTheReportAndHidesNoOther() throws Exception {
        Report report = new Report(folder, Map.of("commit", "abc"));
        report.fact("backend", "cuda of a | GPU");
        Part part = Part.of("sweeps", 10, List.of("java", "Sweeps"));
        report.add(new Part.Outcome(part, Part.Status.PASSED, 2, "12 tests"));
        assertThat(report.passed()).isTrue();
        report.add(new Part.Outcome(part, Part.Status.FAILED, 3, "exit 1: a | b"));
        report.add(part.skipped("no time left"));
        assertThat(report.passed()).isFalse();
        assertThat(Files.readString(folder.resolve("gpu-results.md"))).contains("# gpu-check: FAILED", "* commit: abc",
                "* backend: cuda of a | GPU", "| sweeps | passed | 2 | 12 tests |", "| sweeps | **failed** | 3 | exit 1: a \\| b |",
                "| sweeps | skipped | 0 | no time left |");
        Map<String, ?> json = Json.object(Files.readString(folder.resolve("gpu-results.json")));
        assertThat(json.get("commit")).isEqualTo("abc");
        assertThat(json.get("passed")).isEqualTo(false);
        assertThat((List<?>) json.get("parts")).hasSize(3);
        assertThat((List<?>) json.get("bench")).isEmpty();
    }

    @Test
    void benchmarksJoinTheReport() throws Exception {
        Files.writeString(folder.resolve("bench.json"), "{\"runs\": [{\"family\": \"cema\"}]}");
        Files.writeString(folder.resolve("bench.md"), "\n## cema\n");
        Report report = new Report(folder, Map.of());
        report.add(Part.of("bench", 10, List.of("java")).skipped("no time left"));
        assertThat(Json.object(Files.readString(folder.resolve("gpu-results.json"))).get("bench"))
                .isEqualTo(List.of(Map.of("family", "cema")));
        assertThat(Files.readString(folder.resolve("gpu-results.md"))).endsWith("## cema\n");
    }
}
