package dev.longspan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.json.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RecallCompareTest {

    @TempDir
    private Path data;

    private CommandLineRun compare(String... options) throws IOException {
        for (int i = 0; i < 30; i++) {
            Files.writeString(data.resolve("f" + i + ".txt"), "there is a word and another word in file " + i + " of these. "
                    .repeat(200));
        }
        Map<String, String> line = new LinkedHashMap<>(Map.of("--data", data.toString(), "--seconds", "0", "--train", "2",
                "--segments", "1,3", "--documents", "2", "--batch", "2"));
        for (int i = 0; i < options.length; i += 2) {
            line.put(options[i], options[i + 1]);
        }
        return CommandLineRun.of(Stream.concat(Stream.of("recall", "compare", "--quiet"),
                line.entrySet().stream().flatMap(e -> Stream.of(e.getKey(), e.getValue()))).toArray(String[]::new));
    }

    @Test
    void threeModelsAreTrainedAndAskedAtAndBeyondTheTrainedLength() throws IOException {
        CommandLineRun run = compare("--format", "json");
        assertThat(run.status()).as(run.err()).isZero();
        List<?> models = (List<?>) Json.object(run.out()).get("models");
        assertThat(models).hasSize(3).allSatisfy(model -> assertThat((List<?>) ((Map<?, ?>) model).get("scores")).hasSize(2));
        assertThat(compare().out()).contains("rmt", "dense", "window", "beyond training");
    }

    @Test
    void whatCannotBeComparedIsOneLine() throws IOException {
        for (List<String> wrong : List.of(List.of("--documents", "0", "documents=0"), List.of("--train", "0", "segments=0"),
                List.of("--memory", "61", "memory=61, input=64"), List.of("--memory", "40", "memory must not be larger than the segment"),
                List.of("--task", "none", "task=none"))) {
            CommandLineRun run = compare(wrong.get(0), wrong.get(1));
            assertThat(run.err()).startsWith("error: ").contains(wrong.get(2)).hasLineCount(1);
            assertThat(run.status()).isEqualTo(ExitStatus.USAGE);
        }
    }
}
