package dev.longspan.jmh;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.bench.Deviation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ResultsTest {

    private static final Map<String, String> MACHINE = Map.of("cpu", "A CPU (fast)");

    @TempDir
    Path folder;

    private static Run run(String family, int threads, double seconds) {
        Row row = new Row("64 x 64", 2, 0, List.of(new Row.Result("vector", "", seconds, seconds, 5, 1L << 30, new Deviation(1e-7, 1e-6)),
                new Row.Result("PyTorch", "mm", 3 * seconds, seconds, 5, 1L << 30, new Deviation(1e-7, 1e-6)),
                new Row.Result("Other", "", Double.NaN, Double.NaN, 0, 0, new Deviation(1, 1e-6))));
        return new Run(family, threads, Map.of("command", "make bench"), new Limits(100, 10, 8),
                Map.of("PyTorch", "2", "Jlama", "3"),
                Map.of("C", "no compiler"), List.of(row));
    }

    @Test
    void whatIsWrittenIsReadAgain() throws IOException {
        Results results = new Results(MACHINE, List.of(run("gemm", 1, 0.5), run("cema", 2, 0.25)));
        results.write(folder);
        assertThat(Results.read(folder, MACHINE)).isEqualTo(results);
        assertThat(folder.toFile().list())
                .containsExactlyInAnyOrder("a-cpu-fast.json", "a-cpu-fast.md", "a-cpu-fast.svg");
        assertThat(folder.resolve("a-cpu-fast.svg")).content().contains("gemm 64 x 64: PyTorch", ">3.00</text>",
                "2 threads");
    }

    @Test
    void aRunReplacesTheOneOfItsFamilyAndThreadsAlone() {
        Results results = new Results(MACHINE, List.of(run("cema", 1, 1), run("gemm", 2, 1), run("gemm", 1, 1)))
                .with(run("gemm", 1, 7));
        assertThat(results.runs().stream().map(r -> r.family() + " " + r.threads() + " " + r.rows().getFirst().first().seconds()))
                .containsExactly("gemm 1 7.0", "gemm 2 1.0", "cema 1 1.0");
    }

    @Test
    void ratiosComeFirstAndAWrongAnswerHasNoTime() {
        String page = Markdown.of(new Results(MACHINE, List.of(run("gemm", 2, 0.5))));
        assertThat(page).contains("## gemm, 2 threads", "| **3.00** |  | 64 x 64 | PyTorch (mm) | 1.50 s | 500.000 ms | 5 |",
                "| 1024 MiB |",
                "| | | 64 x 64 | Other | wrong answer |", "C is absent: no compiler");
        assertThat(page).contains("* PyTorch: 2").doesNotContain("Jlama: 3");
        assertThat(Markdown.of(run("gemm", 2, 0.5).rows().getFirst())).contains("ratio 3.00", "Other wrong answer");
    }

    @Test
    void whatASectionTookIsWhatItMayTakeAgain() {
        Run run = new Run("gemm", 1, Map.of(Run.TOOK, "77 s"), new Limits(0, 0, 0), Map.of(), Map.of(), List.of());
        Results before = new Results(MACHINE, List.of(run));
        assertThat(Section.of(Family.of("gemm"), 1).estimatedSeconds(before)).isEqualTo(77);
        assertThat(Section.of(Family.of("gemm"), 2).estimatedSeconds(before)).isEqualTo(20.0 * Family.of("gemm")
                .problems().size());
    }

    @Test
    void aFileOfAnotherShapeCountsAsNone() throws IOException {
        Files.writeString(folder.resolve("a-cpu-fast.json"), "{\"comparisons\": []}");
        assertThat(Results.read(folder, MACHINE).runs()).isEmpty();
    }
}
