package dev.longspan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.backend.Backend;
import dev.longspan.checkpoint.Checkpoint;
import dev.longspan.checkpoint.Safetensors;
import dev.longspan.json.Json;
import dev.longspan.model.Architecture;
import dev.longspan.model.ModelConfig;
import dev.longspan.model.ModelFolder;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.TensorArena;
import dev.longspan.text.Bytes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code generate --state, --save-state} and {@code --statistics}. */
class StateTest {

    @TempDir
    private Path folder;

    private Path state() {
        return folder.resolve("text.state");
    }

    /** A model folder of a preset with some of its settings changed. */
    private Path model(String name, String architecture, long seed, Map<String, Object> changes) throws IOException {
        Architecture kind = Main.builtIn().named(architecture);
        Map<String, @Nullable Object> settings = new LinkedHashMap<>(kind.preset("tiny", 64, Bytes.VOCABULARY));
        settings.putAll(changes);
        ModelConfig config = ModelConfig.of(kind, settings);
        Path path = Files.createDirectory(folder.resolve(name));
        Files.writeString(path.resolve(ModelFolder.CONFIG), Json.pretty(config.json()));
        try (TensorArena arena = new TensorArena()) {
            Checkpoint.save(path.resolve(Checkpoint.FILE), ModelFolder.stored(config.blueprint().create(arena, seed)), Map.of());
        }
        return path;
    }

    private Path megalodon(String name, long seed) throws IOException {
        return model(name, "megalodon", seed, Map.of("chunk_size", 4L, "model_dim", 16L, "value_dim", 16L, "z_dim", 8L,
                "ffn_hidden_dim", 16L, "norm_num_groups", 4L));
    }

    private static CommandLineRun generate(Path model, String... options) {
        List<String> line = new ArrayList<>(List.of("generate", model.toString(), "--format", "json"));
        line.addAll(List.of(options));
        return CommandLineRun.of(line.toArray(String[]::new));
    }

    private static String text(CommandLineRun run) {
        assertThat(run.status()).as(run.err()).isZero();
        assertThat(run.err()).isEmpty();
        return String.valueOf(Json.object(run.out()).get("text"));
    }

    private static void fails(int status, String problem, CommandLineRun run) {
        assertThat(run.err()).startsWith("error: ").contains(problem).hasLineCount(1).doesNotContain("Exception");
        assertThat(run.status()).as(run.err()).isEqualTo(status);
        assertThat(run.out()).isEmpty();
    }

    @Test
    void aTextGoesOnFromItsFileAndASavedOneIsReplaced() throws IOException {
        for (Path model : List.of(megalodon("mega", 1), model("longnet", "longnet", 1, Map.of()))) {
            String whole = text(generate(model, "--prompt", "public ", "--tokens", "20"));
            String file = state().toString();
            String parts = text(generate(model, "--prompt", "public ", "--tokens", "9", "--save-state", file));
            parts += text(generate(model, "--state", file, "--tokens", "1", "--save-state", file));
            parts += text(generate(model, "--state", file, "--tokens", "10"));
            assertThat(whole).startsWith(parts).hasSizeLessThanOrEqualTo(parts.length() + 1);
        }
        CommandLineRun told = CommandLineRun.of("generate", folder.resolve("mega").toString(), "--tokens", "2", "--save-state",
                state().toString());
        assertThat(told.err()).contains("saved in " + state());
        assertThat(folder).isDirectoryNotContaining(path -> path.getFileName().toString().contains("tmp"));
    }

    @Test
    void cachesInBfloat16AreSavedAsTheyAreAndTheTextGoesOn() throws IOException {
        Assumptions.assumeTrue(Backend.best().name().matches("mixed|vector|host"), "caches in BF16 need vector or host");
        for (Path model : List.of(megalodon("mega", 1), model("longnet", "longnet", 1, Map.of()))) {
            String whole = text(generate(model, "--prompt", "public ", "--tokens", "12", "--caches", "bf16"));
            String file = state().toString();
            String parts = text(generate(model, "--prompt", "public ", "--tokens", "9", "--caches", "bf16", "--save-state", file));
            try (Safetensors saved = Safetensors.open(state())) {
                assertThat(saved.tensors().entrySet().stream().filter(e -> e.getKey().endsWith("keys"))
                        .map(e -> e.getValue().dtype())).isNotEmpty().containsOnly(DType.BF16);
            }
            parts += text(generate(model, "--state", file, "--tokens", "3"));
            assertThat(whole).startsWith(parts).hasSizeLessThanOrEqualTo(parts.length() + 1);
            fails(ExitStatus.USAGE, "a state has its caches already", generate(model, "--state", file, "--caches", "f32"));
        }
    }

    @Test
    void anotherModelsOrADamagedStateIsStatus3AndNothingIsGenerated() throws IOException {
        Path model = megalodon("model", 1);
        text(generate(model, "--tokens", "3", "--save-state", state().toString()));
        String file = state().toString();
        fails(ExitStatus.BAD_FILE, "another model", generate(megalodon("other", 2), "--state", file));
        fails(ExitStatus.BAD_FILE, "another model", generate(model("longnet", "longnet", 1, Map.of()), "--state", file));
        fails(ExitStatus.BAD_FILE, "no such file", generate(model, "--state", folder.resolve("none").toString()));
        fails(ExitStatus.BAD_FILE, "a folder, not a state file", generate(model, "--state", model.toString()));
        fails(ExitStatus.BAD_FILE, "not a state file", generate(model, "--state", model.resolve(Checkpoint.FILE).toString()));
        byte[] bytes = Files.readAllBytes(state());
        Files.write(state(), java.util.Arrays.copyOf(bytes, bytes.length - 5));
        fails(ExitStatus.BAD_FILE, "text.state", generate(model, "--state", file, "--save-state", file));
        assertThat(Files.size(state())).isEqualTo(bytes.length - 5);
    }

    @Test
    void aStateThatCouldNotBeSavedIsFoundBeforeAnythingIsGenerated() throws IOException {
        Path model = megalodon("model", 1);
        fails(ExitStatus.BAD_FILE, "no such file or folder", generate(model, "--save-state", folder.resolve("no/x").toString()));
        fails(ExitStatus.USAGE, "not in a folder", generate(model, "--save-state", folder.toString()));
    }

    @Test
    void aModelWithNaNWeightsIsStatus1AndTheOldStateStays() throws IOException {
        Path model = megalodon("model", 1);
        text(generate(model, "--tokens", "3", "--save-state", state().toString()));
        byte[] before = Files.readAllBytes(state());
        try (TensorArena arena = new TensorArena()) {
            var network = ModelConfig.read(model.resolve(ModelFolder.CONFIG), Main.builtIn()).blueprint().create(arena, 1);
            network.parameters().values().forEach(weight -> weight.fill(Double.NaN));
            Checkpoint.save(model.resolve(Checkpoint.FILE), ModelFolder.stored(network), Map.of());
        }
        fails(ExitStatus.CHECK_FAILED, "not finite", generate(model, "--tokens", "3", "--save-state", state().toString()));
        assertThat(Files.readAllBytes(state())).isEqualTo(before);
        Path data = Files.createDirectory(folder.resolve("data"));
        Files.writeString(data.resolve("a.txt"), "some text ".repeat(100));
        fails(ExitStatus.CHECK_FAILED, "not finite", CommandLineRun.of("eval", model.toString(), "--data", data.toString(),
                "--context", "64", "--format", "json"));
    }

    @Test
    void truncatedStatisticsChangeWhatMegalodonSaysAndOtherArchitecturesHaveNone() throws IOException {
        Path model = megalodon("model", 1);
        String prompt = "0123456789012345678901234567890123456789";
        String exact = text(generate(model, "--prompt", prompt, "--statistics", "exact"));
        assertThat(exact).isEqualTo(text(generate(model, "--prompt", prompt)));
        assertThat(text(generate(model, "--prompt", prompt, "--statistics", "truncated"))).isNotEqualTo(exact);
        text(generate(model, "--prompt", prompt, "--statistics", "truncated", "--save-state", state().toString()));
        fails(ExitStatus.BAD_FILE, "no tensor recent", generate(model, "--state", state().toString()));
        text(generate(model, "--statistics", "truncated", "--state", state().toString()));
        for (Path other : List.of(model("longnet", "longnet", 1, Map.of()), model("mega", "mega", 1, Map.of()))) {
            fails(ExitStatus.USAGE, "only MEGALODON", generate(other, "--statistics", "truncated"));
            fails(ExitStatus.USAGE, "only MEGALODON", generate(other, "--statistics", "exact"));
        }
        assertThat(generate(model, "--statistics", "none").status()).isEqualTo(ExitStatus.USAGE);
    }

    @Test
    void evalMeasuresWithTruncatedStatistics() throws IOException {
        Path model = megalodon("model", 1);
        Path data = Files.createDirectory(folder.resolve("data"));
        Files.writeString(data.resolve("a.txt"), "some text that is measured by a model of bytes, ".repeat(100));
        String[] line = {"eval", model.toString(), "--data", data.toString(), "--context", "128", "--cut", "64", "--format",
            "json"};
        CommandLineRun exact = CommandLineRun.of(line);
        String[] longer = java.util.Arrays.copyOf(line, line.length + 2);
        longer[line.length] = "--statistics";
        longer[line.length + 1] = "truncated";
        CommandLineRun truncated = CommandLineRun.of(longer);
        assertThat(truncated.status()).as(truncated.err()).isZero();
        assertThat(Json.object(truncated.out()).get("bpb")).isNotEqualTo(Json.object(exact.out()).get("bpb"));
    }
}
