package dev.longspan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.checkpoint.Checkpoint;
import dev.longspan.json.Json;
import dev.longspan.model.ModelFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A recurrent memory around a language model, from the command line. */
class RmtTest {

    private static final List<String> SMALL = List.of("--set", "memory=3", "--set", "segment=20", "--set",
            "backbone.decoder_layers=1", "--set", "backbone.decoder_embed_dim=16", "--set", "backbone.decoder_attention_heads=2",
            "--set", "backbone.decoder_ffn_embed_dim=16");

    @TempDir
    private Path temporary;

    private Path data;

    @BeforeEach
    void text() throws IOException {
        data = Files.createDirectory(temporary.resolve("data"));
        for (int i = 0; i < 30; i++) {
            Files.writeString(data.resolve("f" + i + ".txt"), ("line " + i + " of a file\n").repeat(10));
        }
    }

    private Path path(String name) {
        return temporary.resolve(name);
    }

    private CommandLineRun train(Path out, String... options) {
        List<String> line = new ArrayList<>(List.of("train", "--out", out.toString(), "--data", data.toString(), "--arch", "rmt",
                "--context", "64", "--quiet"));
        line.addAll(SMALL);
        line.addAll(List.of(options));
        return CommandLineRun.of(line.toArray(String[]::new));
    }

    private static CommandLineRun generate(Path model, String... options) {
        List<String> line = new ArrayList<>(List.of("generate", model.toString(), "--format", "json", "--temperature", "0"));
        line.addAll(List.of(options));
        return CommandLineRun.of(line.toArray(String[]::new));
    }

    private static String text(CommandLineRun run) {
        assertThat(run.status()).as(run.err()).isZero();
        return String.valueOf(Json.object(run.out()).get("text"));
    }

    private static void fails(int status, String problem, CommandLineRun run) {
        assertThat(run.err()).startsWith("error: ").contains(problem).hasLineCount(1).doesNotContain("Exception");
        assertThat(run.status()).as(run.err()).isEqualTo(status);
    }

    private static byte[] weights(Path run, int step) throws IOException {
        return Files.readAllBytes(run.resolve("step-%08d/model.safetensors".formatted(step)));
    }

    @Test
    void aModelIsTrainedResumedRecomputedAndMeasuredWithTheSameBits() throws IOException {
        CommandLineRun whole = train(path("whole"), "--steps", "4");
        assertThat(whole.status()).as(whole.err()).isZero();
        assertThat(train(path("parts"), "--steps", "4", "--minutes", "0").status()).isZero();
        assertThat(CommandLineRun.of("train", "--out", path("parts").toString(), "--resume", "--quiet").status()).isZero();
        assertThat(weights(path("parts"), 4)).isEqualTo(weights(path("whole"), 4));
        assertThat(train(path("again"), "--steps", "4", "--recompute").status()).isZero();
        assertThat(weights(path("again"), 4)).isEqualTo(weights(path("whole"), 4));
        try (Checkpoint checkpoint = Checkpoint.open(path("whole").resolve("step-00000004"))) {
            assertThat(checkpoint.tensors()).containsKeys("memory", "backbone.layers.0.attention.query.weight");
        }
        CommandLineRun eval = CommandLineRun.of("eval", path("whole").toString(), "--cut", "16", "--format", "json");
        assertThat(eval.status()).as(eval.err()).isZero();
        assertThat((Double) Json.object(eval.out()).get("bpb")).isBetween(1.0, 12.0);
    }

    @ParameterizedTest
    @CsvSource({"nothing", "positions", "state"})
    void aTextGoesOnFromItsFileAcrossSegments(String carry) {
        Path run = path("run");
        assertThat(train(run, "--steps", "1").status()).isZero();
        Path model = withCarry(run, carry);
        String prompt = "0123456789 0123456789 0123456789 ";
        String whole = text(generate(model, "--prompt", prompt, "--tokens", "30"));
        String file = path("text.state").toString();
        String parts = text(generate(model, "--prompt", prompt, "--tokens", "9", "--save-state", file));
        parts += text(generate(model, "--state", file, "--tokens", "1", "--save-state", file));
        parts += text(generate(model, "--state", file, "--tokens", "20"));
        assertThat(whole).startsWith(parts).hasSizeLessThanOrEqualTo(parts.length() + 1);
    }

    /** The last checkpoint with another key. */
    private Path withCarry(Path run, String carry) {
        try {
            Path model = ModelFolder.lastStep(run).orElseThrow();
            Path config = model.resolve(ModelFolder.CONFIG);
            Files.writeString(config, Files.readString(config).replaceFirst("(\"carry\"\\s*:\\s*)\"\\w+\"", "$1\"" + carry + "\""));
            assertThat(Json.object(Files.readString(config))).containsEntry("carry", carry);
            return model;
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @Test
    void aStateSavedByAnotherModelIsRefused() {
        assertThat(train(path("a"), "--steps", "1").status()).isZero();
        assertThat(train(path("b"), "--steps", "1", "--seed", "2").status()).isZero();
        String file = path("text.state").toString();
        text(generate(path("a"), "--tokens", "3", "--save-state", file));
        fails(ExitStatus.BAD_FILE, "another model", generate(path("b"), "--state", file));
        withCarry(path("a"), "state");
        fails(ExitStatus.BAD_FILE, "another model", generate(path("a"), "--state", file));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "memory=21                     | memory must not be larger than the segment: memory=21, segment=20",
        "backbone.learned_positions=25 | a segment with its memory must fit the backbone's positions: segment=20, memory=3, rows=26, positions=25",
        "segment=0                     | memory and segment must be positive: memory=3, segment=0",
        "alignment=middle              | alignment must be one of left, right, center: alignment=middle",
        "carry=state                   | a backbone's state is carried at inference only",
        "backbone.layers=3             | config has unknown keys: layers",
        "bptt_depth=-1                 | depth must not be negative"})
    void whatCannotBeTrainedIsOneLine(String change, String problem) {
        fails(ExitStatus.USAGE, problem, train(path("no"), "--steps", "1", "--set", change));
    }

    @Test
    void aSegmentThatIsLongerThanTheTextTrainsAndCarriedPositionsThatDoNotSufficeAreOneLine() {
        fails(ExitStatus.USAGE, "all segments with their memory must fit the backbone's positions: tokens=64, segments=4, memory=3, "
                + "carry=POSITIONS, positions=80", train(path("no"), "--steps", "1", "--set", "carry=positions", "--set",
                "backbone.learned_positions=80"));
    }

    @Test
    void aModelIsPlannedBesideThePapersComparison() {
        CommandLineRun plan = CommandLineRun.of("plan", "--arch", "rmt", "--preset", "tiny", "--context", "64k", "--format", "json");
        assertThat(plan.status()).as(plan.err()).isZero();
        Map<String, ?> figures = Json.object(plan.out());
        CommandLineRun longer = CommandLineRun.of("plan", "--arch", "rmt", "--preset", "tiny", "--context", "1m", "--format",
                "json", "--max-memory", "1t");
        assertThat(longer.status()).as(longer.err()).isZero();
        assertThat(Json.object(longer.out()).get("state_bytes")).isEqualTo(figures.get("state_bytes"));
        assertThat(CommandLineRun.of("plan", "--arch", "rmt").out()).contains("294.8x", "29.3x", "OPT-175B");
    }

    @Test
    void itStandsBesideItsBackboneInAComparison() {
        CommandLineRun run = CommandLineRun.of("compare", "rmt:tiny:1e-3", "transformer:tiny:1e-3", "--data", data.toString(),
                "--context", "64", "--steps", "2", "--seeds", "1", "--bytes", "1k", "--quiet");
        assertThat(run.status()).as(run.err()).isZero();
        assertThat(run.out()).contains("rmt");
    }
}
