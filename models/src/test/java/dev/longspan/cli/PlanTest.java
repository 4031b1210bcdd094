package dev.longspan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.json.Json;
import dev.longspan.model.Architecture;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PlanTest {

    @Test
    void everyPresetOfEveryArchitectureHasAPlanAndStandsInTheHelp() {
        CommandLineRun help = CommandLineRun.of("plan", "--help");
        for (Architecture architecture : Main.builtIn().all()) {
            assertThat(help.out()).contains(architecture.name(), String.join(", ", architecture.presets()));
            for (String preset : architecture.presets()) {
                CommandLineRun run = CommandLineRun.of("plan", "--format", "json", "--arch", architecture.name(), "--preset",
                        preset, "--context", "4k", "--training", "--recompute", "--max-memory", "1t");
                assertThat(run.err()).as("%s %s", architecture.name(), preset).isEmpty();
                assertThat(run.status()).isZero();
                Map<String, ?> found = Json.object(run.out());
                assertThat(found).containsKeys("parameters", "forward_flops_by_kind", "training_bytes", "state_bytes");
                assertThat(found.containsKey("schedule")).isEqualTo(architecture.name().equals("longnet"));
            }
        }
        assertThat(CommandLineRun.of("train", "--help").out()).contains("mega1.3B_pg19");
    }

    @Test
    void trainingTakesLessRecomputedAndStillLessWithHalvesBetweenLayers() {
        for (String architecture : List.of("longnet", "transformer", "megalodon")) {
            List<Long> bytes = Stream.of("", " --recompute", " --recompute bf16").map(option ->
                    (Long) Json.object(CommandLineRun.of(("plan --format json --training --preset small --max-memory 1t --arch "
                            + architecture + option).split(" ")).out()).get("training_bytes")).toList();
            assertThat(bytes).as(architecture).isSortedAccordingTo(Comparator.<Long>naturalOrder().reversed()).doesNotHaveDuplicates();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"--arch megalodon --preset 125M", "--arch llama --preset 125M", "--arch megalodon --schedule paper",
        "--arch transformer --schedule paper", "--arch rwkv", "--arch rmt --preset huge", "--arch rmt --segment 13",
        "--arch rmt --context 0", "--arch rmt --preset tiny --recompute bf16",
        "--dtype I32", "--context 0", "--batch 0"})
    void whatCannotBePlannedIsOneLineAndStatus2(String line) {
        CommandLineRun run = CommandLineRun.of(("plan " + line).split(" "));
        assertThat(run.status()).as(run.err()).isEqualTo(ExitStatus.USAGE);
        assertThat(run.err()).startsWith("error: ").hasLineCount(1).doesNotContain("Exception");
        assertThat(run.out()).isEmpty();
    }

    @Test
    void aRecurrentMemoryIsComparedWithFullAttentionAsInThePaper() {
        CommandLineRun run = CommandLineRun.of("plan", "--arch", "rmt");
        assertThat(run.status()).as(run.err()).isZero();
        assertThat(run.out()).contains("2,097,152 tokens", "4,096 segments", "formula      L (6sd^2")
                .containsPattern("OPT-125M .* 294\\.8x .*228\\.7x").containsPattern("OPT-175B .* 29\\.3x .*29\\.2x");
        CommandLineRun own = CommandLineRun.of("plan", "--format", "json", "--arch", "rmt", "--preset", "50272/12/768/3072/12",
                "--context", "1m", "--segment", "1024");
        assertThat(own.status()).as(own.err()).isZero();
        assertThat(Json.object(own.out())).containsEntry("context", 1L << 20).containsKeys("formula", "models");
    }

    @Test
    void whatDoesNotFitTheMemoryIsStatus4AfterThePlan() {
        CommandLineRun run = CommandLineRun.of("plan", "--arch", "megalodon", "--preset", "paper7B", "--max-memory", "8g");
        assertThat(run.status()).isEqualTo(ExitStatus.NO_RESOURCES);
        assertThat(run.err()).startsWith("error: this does not fit").hasLineCount(1);
        assertThat(run.out()).contains("chunks of 4096", "scans", "state ");
    }
}
