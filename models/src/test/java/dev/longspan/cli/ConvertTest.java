package dev.longspan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.checkpoint.Checkpoint;
import dev.longspan.json.Json;
import dev.longspan.megalodon.Megalodon;
import dev.longspan.megalodon.MegalodonConfig;
import dev.longspan.megalodon.MegalodonNames;
import dev.longspan.model.ModelFolder;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConvertTest {

    private static final MegalodonConfig CONFIG = MegalodonConfig.of(256, 12, 2, 2, 8, 16, 20, 8, 4);

    @TempDir
    private Path folder;

    private final TensorArena arena = new TensorArena();

    @AfterEach
    void free() {
        arena.close();
    }

    @Test
    void aConsolidatedFileBecomesAModelFolderThatOpens() throws IOException {
        Map<String, Tensor> state = stateDict(CONFIG);
        Path source = TorchSave.write(original("a", CONFIG).resolve("consolidated.pth"), state);
        Path target = folder.resolve("model");
        CommandLineRun run = CommandLineRun.of("convert", source.toString(), target.toString());
        assertThat(run.status()).as(run.err()).isZero();
        assertThat(run.out()).contains("tensors").hasLineCount(1);
        assertHolds(target, state);
        assertThat(names(folder)).containsExactlyInAnyOrder("a", "model");
        CommandLineRun generated = CommandLineRun.of("generate", "--quiet", "--tokens", "4", target.toString());
        assertThat(generated.status()).as(generated.err()).isZero();
        Path text = Files.createDirectory(folder.resolve("text"));
        for (int i = 0; i < 40; i++) {
            Files.writeString(text.resolve(i + ".txt"), "held out text " + "x".repeat(200 + i));
        }
        CommandLineRun measured = CommandLineRun.of("eval", target.toString(), "--data", text.toString(), "--context", "64",
                "--bytes", "128", "--cut", "16", "--quiet");
        assertThat(measured.status()).as(measured.err()).isZero();
        assertThat(CommandLineRun.of("inspect", target.toString()).status()).isZero();
        assertThat(CommandLineRun.of("inspect", source.toString()).out()).contains("rope.freqs", "layers.1.mega.cema.theta");
    }

    @Test
    void shardsArePutTogether() throws IOException {
        Map<String, Tensor> state = stateDict(CONFIG);
        Path source = original("shards", CONFIG);
        Files.writeString(source.resolve("consolidate_config.json"), "{\"model_parallel_size\": 2, \"dtype\": \"fp32\"}");
        for (int rank = 0; rank < 2; rank++) {
            TorchSave.write(source.resolve("consolidated.0" + rank + ".pth"), shard(state, rank, 2));
        }
        CommandLineRun run = CommandLineRun.of("convert", source.toString(), folder.resolve("model").toString());
        assertThat(run.status()).as(run.err()).isZero();
        assertHolds(folder.resolve("model"), state);
        refused("several shards", CommandLineRun.of("convert", source.resolve("consolidated.00.pth").toString(), free("b")));
        Files.delete(source.resolve("consolidated.01.pth"));
        refused("model_parallel_size", CommandLineRun.of("convert", source.toString(), free("c")));
    }

    @Test
    void shardsThatCannotBePutTogetherAreRefused() throws IOException {
        Map<String, Tensor> state = stateDict(CONFIG);
        Map<String, Tensor> other = new LinkedHashMap<>(shard(state, 1, 2));
        other.put("layers.0.mega.rmsnorm.weight", arena.allocate(DType.F32, 12).fill(7));
        refused("layers.0.mega.rmsnorm.weight", "must be the same", shards("norm", CONFIG, shard(state, 0, 2), other));
        MegalodonConfig rescaled = CONFIG.withRescale(true);
        Map<String, Tensor> whole = stateDict(rescaled);
        refused("nffn.alpha", "rescale_nffn", shards("alpha", rescaled, shard(whole, 0, 2), shard(whole, 1, 2)));
        Map<String, Tensor> fewer = new LinkedHashMap<>(shard(state, 1, 2));
        fewer.remove("layers.1.nffn.fc2.weight");
        refused("same names", shards("names", CONFIG, shard(state, 0, 2), fewer));
        Map<String, Tensor> unknown = Map.of("layers.0.mega.unknown", arena.allocate(DType.F32, 2));
        refused("layers.0.mega.unknown", "is unknown", shards("unknown", CONFIG, unknown, unknown));
    }

    @Test
    void toOriginalAndBackGivesTheSameBits() throws IOException {
        for (MegalodonConfig config : List.of(CONFIG, CONFIG.withEmbedding(true, true), CONFIG.withRescale(true),
                CONFIG.withGatedFeedForward(false).withRopeBase(1e5))) {
            Path base = Files.createTempDirectory(folder, "config");
            Map<String, Tensor> state = stateDict(config);
            Path source = TorchSave.write(original(base.resolve("a").toString(), config).resolve("consolidated.pth"), state);
            Path own = base.resolve("own");
            Path back = base.resolve("back");
            assertThat(CommandLineRun.of("convert", source.toString(), own.toString()).err()).isEmpty();
            CommandLineRun run = CommandLineRun.of("convert", "--to", "original", own.toString(), back.toString());
            assertThat(run.status()).as(run.err()).isZero();
            try (Checkpoint written = Checkpoint.open(back.resolve("consolidated.safetensors"))) {
                assertThat(written.tensors().keySet()).containsExactlyInAnyOrderElementsOf(state.keySet());
                state.forEach((name, tensor) -> {
                    assertThat(written.tensor(name).shape()).as(name).isEqualTo(tensor.shape());
                    assertThat(written.tensor(name).toDoubles()).as(name).isEqualTo(tensor.toDoubles());
                });
            }
            assertThat(CommandLineRun.of("convert", back.toString(), base.resolve("again").toString()).err()).isEmpty();
            assertThat(base.resolve("again/model.safetensors")).hasSameBinaryContentAs(own.resolve("model.safetensors"));
            assertThat(base.resolve("again/config.json")).hasSameTextualContentAs(own.resolve("config.json"));
        }
    }

    @Test
    void theDtypeIsTheFilesUnlessAsked() throws IOException {
        Map<String, Tensor> half = new LinkedHashMap<>();
        stateDict(CONFIG).forEach((name, tensor) -> half.put(name, tensor.dtype() == DType.F32
                ? arena.allocate(DType.BF16, tensor.shape()).copyFrom(tensor) : tensor));
        Path source = TorchSave.write(original("half", CONFIG).resolve("consolidated.pth"), half);
        assertThat(CommandLineRun.of("convert", source.toString(), free("kept")).err()).isEmpty();
        assertHolds(folder.resolve("kept"), half);
        assertThat(CommandLineRun.of("convert", "--dtype", "f32", source.toString(), free("wide")).err()).isEmpty();
        try (Checkpoint wide = Checkpoint.open(folder.resolve("wide"))) {
            assertThat(wide.tensors().values()).allSatisfy(tensor -> assertThat(tensor.dtype()).isEqualTo(DType.F32));
            assertThat(wide.tensor("layers.0.attention.gate.weight").toDoubles()).isEqualTo(half.get("layers.0.mega.wr.weight").toDoubles());
        }
        assertThat(CommandLineRun.of("convert", "--dtype", "I32", source.toString(), free("ints")).status())
                .isEqualTo(ExitStatus.USAGE);
    }

    @Test
    void whatDoesNotFitIsOneLineAndNothingIsWritten() throws IOException {
        refused("missing 1: layers.1.mega.wz.bias", changed("missing", state -> without(state, "layers.1.mega.wz.bias")));
        refused("unexpected 1: layers.2.mega.beta", changed("more", state -> with(state, "layers.2.mega.beta", 2, 8)));
        refused("layers.0.nffn.fc1.weight is F32[20, 13], expected [20, 12]",
                changed("shape", state -> with(state, "layers.0.nffn.fc1.weight", 20, 13)));
        refused("rope.freqs", "rope_base=10000", changed("rope", state -> with(state, "rope.freqs", 2)));
        refused("prior_count=3", changed("prior", state -> {
            Map<String, Tensor> other = without(state, "");
            other.put("output.final_norm.prior_count", arena.allocate(DType.I64).set(new long[] {3}));
            return other;
        }));
        refused("prior_mean", changed("mean", state -> with(state, "output.final_norm.prior_mean", 5)));
        Path number = original("number", CONFIG).resolve("consolidated.pth");
        TorchSave.write(number, stateDict(CONFIG), "step");
        refused("step", "tensors only, this is an int", CommandLineRun.of("convert", number.toString(), free("x")));
        Path tied = original("tied", CONFIG.withEmbedding(false, true));
        TorchSave.write(tied.resolve("consolidated.pth"), stateDict(CONFIG));
        refused("output.output.weight", "share_emb", CommandLineRun.of("convert", tied.toString(), free("x")));
        Path alone = TorchSave.write(folder.resolve("alone.pth"), stateDict(CONFIG));
        refused("configuration is missing", CommandLineRun.of("convert", alone.toString(), free("x")));
        assertThat(CommandLineRun.of("convert", alone.toString(), free("named"), "--config",
                folder.resolve("number/config.json").toString()).err()).isEmpty();
        refused("no such file", CommandLineRun.of("convert", folder.resolve("none").toString(), free("x")));
        refused("none", CommandLineRun.of("convert", Files.createDirectory(folder.resolve("empty")).toString(), free("x")));
        Files.writeString(folder.resolve("empty/consolidated.pth"), "not a zip archive");
        refused("no torch file", CommandLineRun.of("convert", folder.resolve("empty").toString(), free("x")));
        Files.writeString(original("bad", CONFIG).resolve("config.json"), "{\"model\": {\"model_dim\": 64, \"unknown_key\": 1}}");
        TorchSave.write(folder.resolve("bad/consolidated.pth"), stateDict(CONFIG));
        refused("unknown_key", CommandLineRun.of("convert", folder.resolve("bad").toString(), free("x")));
    }

    @Test
    void aTargetIsReplacedOnRequestOnlyAndNeverWithOtherFiles() throws IOException {
        Path source = TorchSave.write(original("a", CONFIG).resolve("consolidated.pth"), stateDict(CONFIG));
        Path target = folder.resolve("model");
        String[] again = {"convert", source.toString(), target.toString()};
        assertThat(CommandLineRun.of(again).err()).isEmpty();
        CommandLineRun refused = CommandLineRun.of(again);
        assertThat(refused.status()).isEqualTo(ExitStatus.USAGE);
        assertThat(refused.err()).contains("--overwrite").hasLineCount(1);
        assertThat(CommandLineRun.of("convert", "--overwrite", source.toString(), target.toString(), "--dtype", "bf16").err())
                .isEmpty();
        try (Checkpoint replaced = Checkpoint.open(target)) {
            assertThat(replaced.tensor("norm.bias").dtype()).isEqualTo(DType.BF16);
        }
        Files.writeString(source.resolveSibling("broken.pth"), "broken");
        refused("no torch file", CommandLineRun.of("convert", "--overwrite", source.resolveSibling("broken.pth").toString(),
                target.toString()));
        assertThat(CommandLineRun.of("inspect", target.toString()).status()).isZero();
        Files.writeString(target.resolve("notes.txt"), "mine");
        CommandLineRun other = CommandLineRun.of("convert", "--overwrite", source.toString(), target.toString());
        assertThat(other.status()).isEqualTo(ExitStatus.USAGE);
        assertThat(other.err()).contains("notes.txt").hasLineCount(1);
        CommandLineRun within = CommandLineRun.of("convert", "--overwrite", source.toString(), source.getParent().toString());
        assertThat(within.status()).isEqualTo(ExitStatus.USAGE);
        assertThat(source).exists();
        assertThat(names(folder)).containsExactlyInAnyOrder("a", "model");
    }

    /** The original's state_dict of a fresh model, its buffers included, by the names and shapes of its own constructors. */
    private Map<String, Tensor> stateDict(MegalodonConfig config) {
        Map<String, Tensor> state = new LinkedHashMap<>();
        Megalodon model = Megalodon.create(config, arena, DType.F32, 3);
        ModelFolder.stored(model).forEach((name, tensor) -> state.put(MegalodonNames.MAP.toForeign(name), tensor));
        if (config.tiedOutput()) {
            Tensor table = state.get("embed.weight");
            assertThat(table).isNotNull();
            state.put("output.output.weight", table);
        }
        float[] freqs = new float[config.keyDim() / 2];
        for (int j = 0; j < freqs.length; j++) {
            freqs[j] = 1 / (float) Math.pow(config.ropeBase(), 2.0 * j / config.keyDim());
        }
        state.put("rope.freqs", arena.allocate(DType.F32, freqs.length).set(freqs));
        Stream.concat(Stream.of("output.final_norm"), Stream.of("0", "1").map(i -> "layers." + i + ".mega.timenorm")).forEach(norm -> {
            state.put(norm + ".prior_count", arena.allocate(DType.I64));
            state.put(norm + ".prior_mean", arena.allocate(DType.F32, config.groups()));
            state.put(norm + ".prior_logv", arena.allocate(DType.F32, config.groups()));
        });
        return state;
    }

    /** One rank's part, name by name as the original's layers allocate it. */
    private Map<String, Tensor> shard(Map<String, Tensor> state, int rank, int ranks) {
        Map<String, Tensor> shard = new LinkedHashMap<>();
        state.forEach((name, tensor) -> {
            String last = name.replaceFirst("layers\\.[0-9]+\\.", "");
            int dim = switch (last) {
                case "mega.wv.weight", "mega.wv.bias", "mega.wz.weight", "mega.wz.bias", "mega.wr.weight", "mega.wr.bias",
                        "mega.wh1.weight", "mega.wh1.bias", "nffn.fc1.weight", "nffn.fc3.weight", "mega.cema.alpha",
                        "mega.cema.delta", "mega.cema.theta", "mega.cema.gamma", "mega.cema.omega", "mega.timenorm.weight",
                        "mega.timenorm.bias", "mega.timenorm.prior_mean", "mega.timenorm.prior_logv", "output.final_norm.weight",
                        "output.final_norm.bias", "output.final_norm.prior_mean", "output.final_norm.prior_logv" -> 0;
                case "mega.wh2.weight", "nffn.fc2.weight", "embed.weight", "output.output.weight", "mega.gamma", "mega.beta" -> 1;
                default -> -1;
            };
            long size = dim < 0 ? 0 : tensor.size(dim) / ranks;
            Tensor part = dim < 0 ? tensor : tensor.slice(dim, rank * size, (rank + 1) * size);
            shard.put(name, arena.allocate(part.dtype(), part.shape()).copyFrom(part));
        });
        return shard;
    }

    /** A folder with the original's configuration. */
    private Path original(String name, MegalodonConfig config) throws IOException {
        Path original = Files.createDirectories(folder.resolve(name));
        Files.writeString(original.resolve("config.json"), "{\"tokenizer\": {\"path\": \"x\"}, \"model\": "
                + config.toJson().replace("\"vocab_size\" : 256", "\"vocab_size\" : -1") + "}");
        return original;
    }

    private CommandLineRun changed(String name, UnaryOperator<Map<String, Tensor>> change) throws IOException {
        Path source = original(name, CONFIG).resolve("consolidated.pth");
        TorchSave.write(source, change.apply(stateDict(CONFIG)));
        return CommandLineRun.of("convert", source.toString(), free("x"));
    }

    private CommandLineRun shards(String name, MegalodonConfig config, Map<String, Tensor> first, Map<String, Tensor> second)
            throws IOException {
        Path source = original(name, config);
        TorchSave.write(source.resolve("consolidated.00.pth"), first);
        TorchSave.write(source.resolve("consolidated.01.pth"), second);
        return CommandLineRun.of("convert", source.toString(), free("x"));
    }

    private Map<String, Tensor> with(Map<String, Tensor> state, String name, long... shape) {
        Map<String, Tensor> other = new LinkedHashMap<>(state);
        other.put(name, arena.allocate(DType.F32, shape));
        return other;
    }

    private static Map<String, Tensor> without(Map<String, Tensor> state, String name) {
        Map<String, Tensor> other = new LinkedHashMap<>(state);
        other.remove(name);
        return other;
    }

    private void refused(String says, CommandLineRun run) {
        refused(says, says, run);
    }

    private void refused(String says, String too, CommandLineRun run) {
        assertThat(run.status()).as(says + ": " + run.err()).isEqualTo(ExitStatus.BAD_FILE);
        assertThat(run.err()).startsWith("error: ").contains(says, too).hasLineCount(1);
        assertThat(folder.resolve("x")).doesNotExist();
    }

    private String free(String name) {
        return folder.resolve(name).toString();
    }

    private static List<String> names(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).toList();
        }
    }

    private static void assertHolds(Path model, Map<String, Tensor> state) throws IOException {
        assertThat(names(model)).containsExactlyInAnyOrder("config.json", "model.safetensors");
        assertThat(Json.object(Files.readString(model.resolve("config.json")))).containsEntry("architecture", "megalodon")
                .containsEntry("vocab_size", 256L);
        try (Checkpoint checkpoint = Checkpoint.open(model)) {
            checkpoint.tensors().forEach((name, tensor) -> {
                Tensor before = state.get(MegalodonNames.MAP.toForeign(name));
                assertThat(before).as(name).isNotNull();
                assertThat(tensor.toString()).as(name).isEqualTo(before.toString());
                assertThat(tensor.toDoubles()).as(name).isEqualTo(before.toDoubles());
            });
            assertThat(checkpoint.tensors()).hasSize(Math.toIntExact(state.keySet().stream()
                    .filter(name -> !name.equals("rope.freqs") && !name.contains(".prior_")).count()));
        }
    }
}
