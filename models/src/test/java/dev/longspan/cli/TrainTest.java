package dev.longspan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.checkpoint.Checkpoint;
import dev.longspan.json.Json;
import dev.longspan.model.ModelConfig;
import dev.longspan.model.ModelFolder;
import dev.longspan.tensor.NativeBudget;
import dev.longspan.tensor.TensorArena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TrainTest {

    /** A model small enough to train in a second. */
    private static final List<String> SMALL = List.of("--context", "64", "--set", "decoder_layers=1",
            "--set", "decoder_embed_dim=16", "--set", "decoder_attention_heads=2", "--set", "decoder_ffn_embed_dim=32",
            "--set", "segment_length=[32,64]", "--set", "dilated_ratio=[1,2]");

    @TempDir
    private Path temporary;

    private Path out;
    private Path data;

    @BeforeEach
    void text() throws IOException {
        out = temporary.resolve("out");
        data = Files.createDirectory(temporary.resolve("data"));
        for (int i = 0; i < 30; i++) {
            Files.writeString(data.resolve("f" + i + ".txt"), ("line " + i + " of a file\n").repeat(10));
        }
    }

    @Test
    void aModelIsTrainedResumedMeasuredAndContinued() throws IOException {
        CommandLineRun first = train("--steps", "6", "--eval-every", "3", "--minutes", "0");
        assertThat(first.status()).as(first.err()).isZero();
        assertThat(first.out()).contains("stopped after step 0 of 6", "--resume");
        CommandLineRun second = CommandLineRun.of("train", "--out", out.toString(), "--resume");
        assertThat(second.status()).as(second.err()).isZero();
        assertThat(second.out()).contains("done after step 6 of 6");
        assertThat(second.err()).contains("step 3/6", "step 6/6", "held-out").doesNotContain("\r");
        List<String> log = Files.readAllLines(out.resolve("log.jsonl"));
        assertThat(log).hasSize(6 + 3);
        assertThat(Json.object(log.get(1))).containsKeys("step", "loss", "bpb", "lr", "grad_norm", "tokens_per_s", "memory_bytes");

        CommandLineRun eval = CommandLineRun.of("eval", out.toString(), "--cut", "16", "--format", "json");
        assertThat(eval.status()).as(eval.err()).isZero();
        Map<String, ?> measured = Json.object(eval.out());
        assertThat(measured).containsKeys("bpb", "positions", "gain_bpb", "bpb_beyond_cut_when_cut");
        assertThat((Double) measured.get("bpb")).isBetween(1.0, 12.0);

        CommandLineRun text = CommandLineRun.of("generate", out.toString(), "--prompt", "line", "--tokens", "5");
        assertThat(text.status()).as(text.err()).isZero();
        assertThat(text.out()).startsWith("line");
        assertThat(text.err()).contains("prompt 5 tokens", "state");
        CommandLineRun again = CommandLineRun.of("generate", out.toString(), "--prompt", "line", "--tokens", "5", "--format", "json");
        assertThat(text.out()).isEqualTo("line" + Json.object(again.out()).get("text") + System.lineSeparator());
        assertThat(again.err()).isEmpty();
    }

    @Test
    void aLlamaIsPlannedTrainedMeasuredAndContinued() {
        CommandLineRun plan = CommandLineRun.of("plan", "--arch", "llama", "--preset", "200M", "--vocabulary", "32000",
                "--training", "--max-memory", "64g");
        assertThat(plan.status()).as(plan.err()).isZero();
        assertThat(plan.out()).contains("llama 200M: 12 layers of width 1024", "parameters   220,881,920");
        String[] trained = {"train", "--out", out.toString(), "--data", data.toString(), "--arch", "llama", "--context", "64",
            "--steps", "3", "--quiet", "--set", "decoder_layers=1", "--set", "decoder_embed_dim=16"};
        CommandLineRun train = CommandLineRun.of(trained);
        assertThat(train.status()).as(train.err()).isZero();
        CommandLineRun eval = CommandLineRun.of("eval", out.toString(), "--cut", "16", "--format", "json");
        assertThat(eval.status()).as(eval.err()).isZero();
        assertThat((Double) Json.object(eval.out()).get("bpb")).isBetween(1.0, 12.0);
        CommandLineRun text = CommandLineRun.of("generate", out.toString(), "--prompt", "line", "--tokens", "5");
        assertThat(text.status()).as(text.err()).isZero();
        assertThat(text.out()).startsWith("line");
        CommandLineRun dilated = CommandLineRun.of("train", "--out", temporary.resolve("no").toString(), "--arch", "llama",
                "--set", "segment_length=[64]");
        assertThat(dilated.status()).isEqualTo(ExitStatus.USAGE);
        assertThat(dilated.err()).isEqualTo("error: config has unknown keys: segment_length" + System.lineSeparator());
    }

    @Test
    void aLongNetTrainsWithLlamasParts() throws IOException {
        CommandLineRun run = train("--steps", "1", "--set", "norm=rms", "--set", "glu=true", "--set", "bias=false",
                "--set", "xpos_rel_pos=false", "--set", "rope_theta=10000");
        assertThat(run.status()).as(run.err()).isZero();
        try (Checkpoint weights = Checkpoint.open(out.resolve("step-00000001"))) {
            assertThat(weights.tensors()).containsKeys("layers.0.feedForward.gate.weight", "layers.0.attention.norm.weight")
                    .doesNotContainKeys("norm.bias", "layers.0.attention.query.bias");
        }
    }

    @Test
    void recomputingGivesTheSameBits() throws IOException {
        assertThat(train("--steps", "3", "--quiet").status()).isZero();
        byte[] kept = Files.readAllBytes(out.resolve("step-00000003/model.safetensors"));
        out = temporary.resolve("recomputed");
        assertThat(train("--steps", "3", "--quiet", "--recompute").status()).isZero();
        assertThat(Files.readAllBytes(out.resolve("step-00000003/model.safetensors"))).isEqualTo(kept);
    }

    @Test
    void aRunThatKeepsHalvesBetweenLayersGoesOnWithTheSameBits() throws IOException {
        String[] options = {"--steps", "4", "--quiet", "--set", "decoder_layers=3", "--recompute", "bf16"};
        assertThat(train(options).status()).isZero();
        byte[] whole = Files.readAllBytes(out.resolve("step-00000004/model.safetensors"));
        out = temporary.resolve("exact");
        assertThat(train("--steps", "4", "--quiet", "--set", "decoder_layers=3", "--recompute", "exact").status()).isZero();
        assertThat(Files.readAllBytes(out.resolve("step-00000004/model.safetensors"))).isNotEqualTo(whole);
        out = temporary.resolve("resumed");
        assertThat(train(with(options, "--minutes", "0")).status()).isZero();
        assertThat(CommandLineRun.of("train", "--out", out.toString(), "--resume", "--quiet").status()).isZero();
        assertThat(Files.readAllBytes(out.resolve("step-00000004/model.safetensors"))).isEqualTo(whole);
    }

    private static String[] with(String[] options, String... more) {
        return Stream.concat(Arrays.stream(options), Arrays.stream(more)).toArray(String[]::new);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "--context 0                                                    | context",
        "--set segment_length=[0,64]                                    | segment",
        "--set segment_length=[-4,64]                                   | segment",
        "--set dilated_ratio=[1,65]                                     | dilation",
        "--set decoder_attention_heads=3                                | heads must divide width",
        "--set no_such_key=1                                            | no_such_key",
        "--steps 0                                                      | steps",
        "--batch 0                                                      | batch",
        "--learning-rate -1                                             | learningRate",
        "--preset huge                                                  | preset",
        "--arch nonsense                                                | architecture",
        "--packing documents                                            | packing",
        "--set vocab_size=100                                           | vocabulary"})
    void valuesThatCannotBeAreOneLineStatus2AndLeaveNoFolder(String options, String named) {
        CommandLineRun run = train(options.split(" "));
        assertThat(run.status()).as(run.err()).isEqualTo(ExitStatus.USAGE);
        assertThat(run.err()).startsWith("error: ").contains(named).hasLineCount(1);
        assertThat(out).doesNotExist();
    }

    @Test
    void aSecondRunInAFolderIsRefusedUnlessItResumes() {
        assertThat(train("--steps", "1").status()).isZero();
        CommandLineRun second = train("--steps", "1");
        assertThat(second.status()).isEqualTo(ExitStatus.USAGE);
        assertThat(second.err()).contains("--resume").hasLineCount(1);
        CommandLineRun nothing = CommandLineRun.of("train", "--resume", "--out", temporary.resolve("none").toString());
        assertThat(nothing.status()).isEqualTo(ExitStatus.USAGE);
        assertThat(nothing.err()).contains("no checkpoint").hasLineCount(1);
    }

    @Test
    void aFolderThatCannotBeWrittenIsOneLineAndStatus4() throws IOException {
        Path file = Files.createFile(temporary.resolve("file"));
        out = file.resolve("out");
        CommandLineRun run = train("--steps", "1");
        assertThat(run.status()).as(run.err()).isEqualTo(ExitStatus.NO_RESOURCES);
        assertThat(run.err()).startsWith("error: ").contains(file.toString()).hasLineCount(1);
    }

    @Test
    void aFolderWithoutPermissionIsStatus4() throws IOException {
        Path locked = Files.createDirectory(temporary.resolve("locked"));
        Assumptions.assumeTrue(locked.toFile().setWritable(false) && !Files.isWritable(locked), "running as root");
        out = locked.resolve("out");
        assertThat(train("--steps", "1").status()).isEqualTo(ExitStatus.NO_RESOURCES);
    }

    @Test
    void moreThanTheMemoryBudgetIsATypedErrorBeforeAllocation() {
        long limit = NativeBudget.process().limitBytes();
        long used = NativeBudget.process().usedBytes();
        try {
            CommandLineRun run = train("--steps", "1", "--max-memory", String.valueOf(used + (70 << 20)), "--set",
                    "decoder_ffn_embed_dim=200000");
            assertThat(run.status()).as(run.err()).isEqualTo(ExitStatus.NO_RESOURCES);
            assertThat(run.err()).startsWith("error: ").contains("native memory budget").hasLineCount(1);
            assertThat(NativeBudget.process().usedBytes()).as("nothing leaks").isEqualTo(used);
        } finally {
            NativeBudget.process().limit(limit);
        }
    }

    @Test
    void damagedModelsAreOneLineAndStatus3() throws IOException {
        assertThat(train("--steps", "1").status()).isZero();
        Path step = out.resolve("step-00000001");
        Path weights = step.resolve(Checkpoint.FILE);
        byte[] whole = Files.readAllBytes(weights);
        Files.write(weights, Arrays.copyOf(whole, whole.length - 100));
        for (String command : List.of("eval", "generate", "inspect")) {
            CommandLineRun run = CommandLineRun.of(command, out.toString());
            assertThat(run.status()).as(command + " " + run.err()).isEqualTo(ExitStatus.BAD_FILE);
            assertThat(run.err()).startsWith("error: ").contains("model.safetensors").hasLineCount(1);
        }
        CommandLineRun resumed = CommandLineRun.of("train", "--resume", "--out", out.toString());
        assertThat(resumed.status()).as(resumed.err()).isEqualTo(ExitStatus.BAD_FILE);
        Files.write(weights, whole);
        Path config = step.resolve("config.json");
        String good = Files.readString(config);
        for (String bad : List.of("{", "[]", good.replace("\"longnet\"", "\"nonsense\""), good.replace("64", "0"),
                good.replace("\"decoder_embed_dim\" : 16", "\"decoder_embed_dim\" : 20"))) {
            Files.writeString(config, bad);
            CommandLineRun run = CommandLineRun.of("generate", out.toString(), "--tokens", "1");
            assertThat(run.status()).as(bad + run.err()).isEqualTo(ExitStatus.BAD_FILE);
            assertThat(run.err()).startsWith("error: ").hasLineCount(1);
        }
    }

    @Test
    void aPromptBeyondTheVocabularyIsRefused() throws IOException {
        Path model = Files.createDirectory(temporary.resolve("model"));
        Map<String, Object> settings = Map.of("vocab_size", 61, "decoder_layers", 1, "decoder_embed_dim", 16,
                "decoder_attention_heads", 2, "decoder_ffn_embed_dim", 32, "segment_length", List.of(32), "dilated_ratio",
                List.of(1));
        ModelConfig config = ModelConfig.of(Main.builtIn().named("longnet"), new LinkedHashMap<>(settings));
        Files.writeString(model.resolve("config.json"), Json.pretty(config.json()));
        try (TensorArena arena = new TensorArena()) {
            Checkpoint.save(model.resolve(Checkpoint.FILE), ModelFolder.stored(config.blueprint().create(arena, 1)), Map.of());
        }
        CommandLineRun run = CommandLineRun.of("generate", model.toString(), "--prompt", "abc");
        assertThat(run.status()).as(run.err()).isEqualTo(ExitStatus.USAGE);
        assertThat(run.err()).contains("ids must be in [0, 61): ids[1]=97").hasLineCount(1);
        assertThat(CommandLineRun.of("generate", model.toString(), "--tokens", "3").status()).isZero();
    }

    @Test
    void aFolderWithoutAModelIsRefused() {
        CommandLineRun none = CommandLineRun.of("generate", data.toString());
        assertThat(none.status()).isEqualTo(ExitStatus.BAD_FILE);
        assertThat(none.err()).contains("not a model").hasLineCount(1);
        CommandLineRun missing = CommandLineRun.of("eval", data.resolve("none").toString());
        assertThat(missing.status()).isEqualTo(ExitStatus.BAD_FILE);
        assertThat(missing.err()).contains("no such file").hasLineCount(1);
    }

    private CommandLineRun train(String... options) {
        List<String> line = new ArrayList<>(List.of("train", "--out", out.toString(), "--data", data.toString()));
        List<String> given = List.of(options);
        for (int i = 0; i < SMALL.size(); i += 2) {
            String name = SMALL.get(i + 1).contains("=") ? SMALL.get(i + 1).substring(0, SMALL.get(i + 1).indexOf('=') + 1)
                    : SMALL.get(i);
            if (given.stream().noneMatch(o -> o.startsWith(name)) && !given.contains("huge")) {
                line.addAll(SMALL.subList(i, i + 2));
            }
        }
        line.addAll(given);
        return CommandLineRun.of(line.toArray(String[]::new));
    }
}
