package dev.longspan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.json.Json;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class ModelBenchCommandTest {

    @Test
    void contextComparesTwoModelsAndSaysWhatWasChecked() {
        CommandLineRun run = CommandLineRun.of("--format", "json", "bench", "context", "--preset", "tiny", "--from", "64", "--to",
                "128", "--recompute");
        assertThat(run.status()).as(run.err()).isZero();
        Map<String, ?> found = Json.object(run.out());
        assertThat((List<?>) found.get("rows")).hasSize(2).allSatisfy(row ->
                assertThat(row.toString()).contains("megalodon", "llama", "ratio", "tokensPerSecond", "error", "bound"));
        assertThat(found.get("passed")).isEqualTo(true);
    }

    @ParameterizedTest
    @ValueSource(strings = {"bench stream --tokens 100", "bench stream --preset nonsense", "bench model --context 10",
        "bench model --arch nonsense", "bench context --arch llama", "bench model --tokens 4k"})
    void wrongUsageIsOneLineAndStatus2(String line) {
        CommandLineRun run = CommandLineRun.of(line.split(" "));
        assertThat(run.status()).as(run.err()).isEqualTo(ExitStatus.USAGE);
        assertThat(run.err().lines().filter(l -> l.startsWith("error: "))).hasSize(1);
    }
}
