package dev.longspan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.json.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class RecallCommandTest {

    @TempDir
    private Path folder;

    @BeforeEach
    void writeNoise() throws IOException {
        Files.createDirectory(folder.resolve("text"));
        for (int i = 0; i < 30; i++) {
            Files.writeString(folder.resolve("text/f" + i + ".txt"), ("some words of file " + i + " that tell nothing . ").repeat(200));
        }
    }

    private CommandLineRun train(String... options) {
        return CommandLineRun.of(Stream.concat(Stream.of("recall", "train", "--data", folder.resolve("text").toString(), "--out",
                run(), "--width", "16", "--heads", "2", "--feed-forward", "16", "--layers", "1", "--memory", "4", "--batch", "2",
                "--max-steps", "1", "--min-steps", "0", "--consolidation", "0", "--vocabulary", "300", "--quiet"),
                Stream.of(options)).toArray(String[]::new));
    }

    private String run() {
        return folder.resolve("run").toString();
    }

    @Test
    void aTrainedCurriculumIsEvaluatedMeasuredAndPutBesideThePaper() {
        assertThat(train("--stages", "1-3").status()).isZero();
        CommandLineRun matrix = CommandLineRun.of("recall", "matrix", run(), "--segments", "1-2", "--documents", "4");
        assertThat(matrix.status()).as(matrix.err()).isZero();
        CommandLineRun eval = CommandLineRun.of("recall", "eval", run(), "--segments", "1,64", "--documents", "4", "--format", "json");
        assertThat(eval.status()).as(eval.err()).isZero();
        List<?> rows = (List<?>) Json.object(eval.out()).get("rows");
        assertThat(rows).as("each length with its memory and without").hasSize(4);
        assertThat((Map<?, ?>) rows.get(2)).as("the paper's figure 1").matches(row -> Double.valueOf(0.98).equals(row.get("paper")));
    }

    @Test
    void aLongDocumentsTimeAndMemoryAreMeasuredFromItsStartToItsEnd() {
        assertThat(train("--stages", "1").status()).isZero();
        CommandLineRun bench = CommandLineRun.of("recall", "bench", run() + "/stage-1", "--segments", "40", "--documents", "2",
                "--format", "json");
        assertThat(bench.err()).isEmpty();
        Map<String, ?> figures = Json.object(bench.out());
        assertThat((Map<?, ?>) figures.get("longest")).matches(longest -> Long.valueOf(40 * 57).equals(longest.get("tokens")));
        assertThat(bench.status()).isEqualTo(Boolean.TRUE.equals(figures.get("flat")) ? ExitStatus.OK : ExitStatus.CHECK_FAILED);
    }

    @Test
    void whatCannotBeTrainedOrMeasuredIsOneLine() {
        for (List<String> wrong : List.of(List.of("--stages", "2-1"), List.of("--batch", "0"), List.of("--task", "forget"),
                List.of("--memory", "61"), List.of("--placement", "nowhere"), List.of("--earlier", "1"))) {
            CommandLineRun run = train(wrong.get(0), wrong.get(1));
            assertThat(run.status()).as(wrong + run.err()).isEqualTo(ExitStatus.USAGE);
            assertThat(run.err()).startsWith("error: ");
        }
        assertThat(CommandLineRun.of("recall", "eval", folder.toString()).status()).isEqualTo(ExitStatus.BAD_FILE);
        assertThat(CommandLineRun.of("recall").status()).isEqualTo(ExitStatus.USAGE);
    }
}
