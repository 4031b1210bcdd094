package dev.longspan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.json.Json;
import dev.longspan.model.Architecture;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MainTest {

    @Test
    void helpNamesEveryExitStatus() {
        CommandLineRun help = CommandLineRun.of("--help");
        assertThat(help.status()).isZero();
        assertThat(help.out()).contains("Exit status:", "0 ", "1 ", "2 ", "3 ", "4 ", "130 ", "143 ", "doctor", "inspect");
        assertThat(CommandLineRun.of("doctor", "--help").out()).contains("Examples:", "longspan doctor --format json");
    }

    @Test
    void helpOfTrainNamesEveryArchitecture() {
        assertThat(CommandLineRun.of("train", "--help").out())
                .contains(Main.builtIn().all().stream().map(Architecture::name).toList());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "nonsense", "doctor --no-such-option", "doctor --max-memory 8q", "doctor --format xml",
        "doctor --threads 0", "doctor --backend nonsense", "doctor --seed x"})
    void wrongUsageIsOneLineAndStatus2(String line) {
        CommandLineRun run = CommandLineRun.of(line.isEmpty() ? new String[0] : line.split(" "));
        assertThat(run.status()).isEqualTo(ExitStatus.USAGE);
        assertThat(run.err().lines()).first().asString().startsWith("error: ");
        assertThat(run.err().lines().filter(l -> l.startsWith("error: "))).hasSize(1);
        assertThat(run.err()).doesNotContain("Exception", "\tat ");
    }

    @Test
    void doctorFindsEveryBackendWithItsSelfTestOrItsReason() {
        CommandLineRun run = CommandLineRun.of("--format", "json", "doctor");
        assertThat(run.status()).isZero();
        Map<String, ?> found = Json.object(run.out());
        assertThat((List<?>) found.get("backends")).hasSizeGreaterThanOrEqualTo(2).allSatisfy(b ->
                assertThat(b.toString()).containsAnyOf("self-test ok", "unavailable"));
        assertThat(found).containsKeys("version", "jdk", "os", "processors", "native_budget_bytes", "text");
        assertThat(CommandLineRun.of("doctor").out()).contains("Backend   vector", "Backend   scalar", "chosen", "Text");
    }

    @Test
    void sizesHaveBinaryUnits() {
        ByteSize size = new ByteSize();
        assertThat(List.of(size.convert("4096"), size.convert("8k"), size.convert("512M"), size.convert("8GiB")))
                .containsExactly(4096L, 8192L, 512L << 20, 8L << 30);
        assertThat(ByteSize.text(1536)).isEqualTo("1.5 KB");
        assertThat(ByteSize.text(8L << 30)).isEqualTo("8.0 GB");
    }
}
