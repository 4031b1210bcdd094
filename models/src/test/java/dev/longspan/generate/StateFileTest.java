package dev.longspan.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.longspan.backend.Backend;
import dev.longspan.checkpoint.CheckpointIOException;
import dev.longspan.checkpoint.ModelFormatException;
import dev.longspan.checkpoint.Safetensors;
import dev.longspan.generate.Generator.Continued;
import dev.longspan.generate.Generator.Request;
import dev.longspan.kernel.AttentionPattern.Branch;
import dev.longspan.kernel.AttentionPattern.FixedSparse;
import dev.longspan.longnet.LongNet;
import dev.longspan.longnet.LongNetConfig;
import dev.longspan.megalodon.Megalodon;
import dev.longspan.megalodon.MegalodonConfig;
import dev.longspan.megalodon.MegalodonConfig.Parts;
import dev.longspan.megalodon.TruncatedMegalodon;
import dev.longspan.nn.LanguageModel;
import dev.longspan.nn.StreamState;
import dev.longspan.parallel.CancelSignal;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import dev.longspan.transformer.DenseTransformer;
import dev.longspan.transformer.Llama;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StateFileTest {

    private static final String PROMPT = "The quick brown fox jumps over the lazy dog";

    private final TensorArena arena = new TensorArena();

    @TempDir
    private Path folder;

    @AfterEach
    void close() {
        arena.close();
    }

    private static LongNetConfig longnet() {
        return LongNetConfig.of(256, 16, 2, 1, List.of(new Branch(16, 1), new Branch(32, 2)));
    }

    private static MegalodonConfig megalodon() {
        return MegalodonConfig.of(256, 16, 2, 2, 8, 16, 24, 8, 4);
    }

    private LongNet longnet(LongNetConfig config, long seed) {
        return LongNet.create(config, arena, DType.F32, seed);
    }

    private Megalodon megalodon(MegalodonConfig config, long seed) {
        return Megalodon.create(config, arena, DType.F32, seed);
    }

    private List<LanguageModel<?>> models() {
        return List.of(longnet(longnet(), 3), longnet(DenseTransformer.of(longnet()), 3),
                longnet(longnet().withPattern(new FixedSparse(8, 2)), 3), longnet(Llama.of(256, 16, 2, 1, 24), 3),
                megalodon(megalodon(), 3), megalodon(megalodon().withParts(Parts.MEGA), 3),
                new TruncatedMegalodon(megalodon(megalodon(), 3)));
    }

    @Test
    void aTextInPartsIsTheTextAtOnceForEveryArchitecture() {
        for (LanguageModel<?> model : models()) {
            checkParts(model);
        }
    }

    private <S extends StreamState> void checkParts(LanguageModel<S> model) {
        Generator<S> generator = new Generator<>(Backend.best(), Parallel.all(), model);
        long seed = 0;
        Generation whole;
        do { // until a text does not end before its length
            seed++;
            whole = generator.generate(request(PROMPT, 60, seed), new CancelSignal(), piece -> { });
        } while (whole.end() != Generation.End.LENGTH && seed < 20);
        Path file = folder.resolve(model.getClass().getSimpleName());
        String text = part(generator, generator.start(arena), request(PROMPT, 0, seed), file);
        assertThat(text).isEmpty();
        for (int tokens : new int[] {1, 7, 1, 1, 30, 20}) {
            text += part(generator, StateFile.read(file, model, arena), request("", tokens, seed), file);
        }
        assertThat(text + StateFile.read(file, model, arena).unfinishedText()).as("%s, seed=%d", model.getClass(), seed)
                .isEqualTo(whole.text());
    }

    private static <S extends StreamState> String part(Generator<S> generator, Continuation<S> from, Request request,
            Path file) {
        Continued<S> done = generator.goOn(from, request, new CancelSignal(), piece -> { });
        StateFile.save(file, done.next().orElseThrow());
        return done.generation().text();
    }

    @Test
    void aFurtherPromptIsReadBehindAllThatTheStateHasSeen() {
        Megalodon model = megalodon(megalodon(), 3);
        var generator = new Generator<>(Backend.best(), Parallel.all(), model);
        Path file = folder.resolve("state");
        part(generator, generator.start(arena), request(PROMPT, 0), file);
        String behind = part(generator, StateFile.read(file, model, arena), request(" and more", 30), file);
        assertThat(behind).isEqualTo(part(generator, generator.start(arena), request(PROMPT + " and more", 30), file));
        assertThat(behind).isNotEqualTo(part(generator, generator.start(arena), request(" and more", 30), file));
    }

    @Test
    void aSignalWithinThePromptLeavesNoPlaceToGoOnFromAndOneBetweenTokensDoes() {
        Megalodon model = megalodon(megalodon(), 3);
        var generator = new Generator<>(Backend.best(), Parallel.all(), model);
        CancelSignal raised = new CancelSignal();
        raised.raise();
        Continued<?> none = generator.goOn(generator.start(arena), request(PROMPT, 5), raised, piece -> { });
        assertThat(none.next()).isEmpty();
        assertThat(none.generation().end()).isEqualTo(Generation.End.CANCELLED);
        CancelSignal later = new CancelSignal();
        var some = generator.goOn(generator.start(arena), request(PROMPT, 500), later, piece -> later.raise());
        assertThat(some.generation().end()).isEqualTo(Generation.End.CANCELLED);
        Generation rest = generator.goOn(some.next().orElseThrow(), request("", 20), new CancelSignal(), piece -> { })
                .generation();
        Request both = request(PROMPT, (int) some.generation().tokens() + 20);
        Generation whole = generator.generate(both, new CancelSignal(), piece -> { });
        assertThat(whole.text()).startsWith(some.generation().text() + rest.text());
    }

    @Test
    void aFileThatIsNotTheModelsStateIsRefusedInOneLine() throws IOException {
        Megalodon model = megalodon(megalodon(), 3);
        Path good = saved(model, "good");
        refused(saved(megalodon(megalodon(), 4), "seed"), model, "the state belongs to another model");
        refused(saved(megalodon(megalodon().withChunk(16), 3), "chunk"), model, "the state belongs to another model");
        refused(saved(longnet(longnet(), 3), "longnet"), model, "the state belongs to another model");
        refused(good, longnet(longnet(), 3), "the state belongs to another model");
        refused(good, new TruncatedMegalodon(model), "the saved state must have recent");
        refused(saved(new TruncatedMegalodon(model), "truncated"), model, "the model's state has no tensor recent");
        refused(folder, model, "a folder, not a state file");
        Path weights = folder.resolve("weights");
        Safetensors.save(weights, model.parameters(), Map.of());
        refused(weights, model, "not a state file");
        Path torn = folder.resolve("torn");
        byte[] bytes = Files.readAllBytes(good);
        for (int length : new int[] {0, 7, 100, bytes.length / 2, bytes.length - 1}) {
            refused(Files.write(torn, java.util.Arrays.copyOf(bytes, length)), model, "torn");
        }
        bytes[bytes.length - 9] ^= 4;
        refused(Files.write(torn, bytes), model, "checksum does not match");
        assertThatThrownBy(() -> StateFile.read(folder.resolve("none"), model, arena))
                .isInstanceOf(CheckpointIOException.class).hasCauseInstanceOf(NoSuchFileException.class);
        assertThat(StateFile.read(good, model, arena).state().position()).isEqualTo(PROMPT.length());
    }

    @Test
    void aChangedStateIsRefusedByTheNameOfItsTensor() {
        Megalodon model = megalodon(megalodon(), 3);
        Path good = saved(model, "good");
        changed(good, model, (t, m) -> t.remove("layers.1.average"), "the saved state must have layers.1.average");
        changed(good, model, (t, m) -> t.remove("layers.0.cache.branches.0.0.values"),
                "the saved state must have layers.0.cache.branches.0.0.values");
        changed(good, model, (t, m) -> t.remove("layers.0.cache.branches.0.0.keys"),
                "the saved state must have layers.0.cache.branches.0.0.keys");
        changed(good, model, (t, m) -> t.put("norm.mean", arena.allocate(DType.F32, 1, 4)), "norm.mean of");
        changed(good, model, (t, m) -> t.put("norm.mean", arena.allocate(DType.F64, 1, 5)), "norm.mean of");
        changed(good, model, (t, m) -> t.put("norm.mean", arena.allocate(DType.F64)), "norm.mean of");
        changed(good, model, (t, m) -> t.put("norm.mean", arena.allocate(DType.F64, 0, 4)), "norm.mean of");
        changed(good, model, (t, m) -> t.put("more", arena.allocate(DType.F32, 1)), "the model's state has no tensor more");
        changed(good, model, (t, m) -> t.put("position", arena.allocate(DType.I64, 2).set(new long[] {43, 1L << 30})),
                "the state must be of one sequence: batch=1073741824");
        changed(good, model, (t, m) -> t.put("position", arena.allocate(DType.I64, 2).set(new long[] {-1, 1})), "position=-1");
        changed(good, model, (t, m) -> t.put("position", arena.allocate(DType.I32, 2)), "position of I64[2]");
        changed(good, model, (t, m) -> m.remove("unread"), "metadata must have unread");
        changed(good, model, (t, m) -> m.put("unread", "256"), "unread=256");
        changed(good, model, (t, m) -> m.put("unread", "x"), "\"x\"");
        changed(good, model, (t, m) -> m.put("unfinished", "00112233"), "unfinished=00112233");
        LongNet sparse = longnet(longnet().withPattern(new FixedSparse(8, 2)), 3);
        changed(saved(sparse, "sparse"), sparse, (t, m) ->
                t.put("position", arena.allocate(DType.I64, 2).set(new long[] {999, 1})), "keys of at least 999 rows");
    }

    @Test
    void aFailedSaveLeavesTheOldStateWhole() throws IOException {
        Megalodon model = megalodon(megalodon(), 3);
        Path file = saved(model, "state");
        byte[] before = Files.readAllBytes(file);
        TensorArena gone = new TensorArena();
        Continuation<?> lost = Continuation.start(model, gone);
        gone.close();
        assertThatThrownBy(() -> StateFile.save(file, lost)).isInstanceOf(IllegalStateException.class);
        assertThat(Files.readAllBytes(file)).isEqualTo(before);
        assertThat(folder).isDirectoryNotContaining(path -> path.getFileName().toString().contains("tmp"));
        assertThatThrownBy(() -> StateFile.save(folder.resolve("no/state"), Continuation.start(model, arena)))
                .isInstanceOf(CheckpointIOException.class);
    }

    @Test
    void aPlaceThatCannotBeIsRefused() {
        Megalodon model = megalodon(megalodon(), 3);
        assertThatIllegalArgumentException().isThrownBy(() -> new Continuation<>(model.start(arena, 1), -1, ""))
                .withMessage("unread must be a byte: unread=-1");
        assertThat(new Continuation<>(model.start(arena, 1), 0, "e282").unfinishedText()).isEqualTo("\uFFFD");
    }

    private <S extends StreamState> Path saved(LanguageModel<S> model, String name) {
        var generator = new Generator<>(Backend.best(), Parallel.all(), model);
        Path file = folder.resolve(name);
        part(generator, generator.start(arena), request(PROMPT, 0), file);
        return file;
    }

    private void refused(Path file, LanguageModel<?> model, String problem) {
        assertThatThrownBy(() -> StateFile.read(file, model, arena)).as(problem).isInstanceOf(ModelFormatException.class)
                .hasMessageStartingWith(file.toString()).hasMessageContaining(problem)
                .extracting(Throwable::getMessage).asString().hasLineCount(1);
    }

    private void changed(Path good, LanguageModel<?> model, BiConsumer<Map<String, Tensor>, Map<String, String>> change,
            String problem) {
        Path other = folder.resolve("changed");
        try (Safetensors saved = Safetensors.open(good)) {
            Map<String, Tensor> tensors = new LinkedHashMap<>(saved.tensors());
            Map<String, String> metadata = new LinkedHashMap<>(saved.metadata());
            change.accept(tensors, metadata);
            Safetensors.save(other, tensors, metadata);
        }
        refused(other, model, problem);
    }

    private static Request request(String prompt, int tokens) {
        return request(prompt, tokens, 1);
    }

    private static Request request(String prompt, int tokens, long seed) {
        return new Request(prompt, tokens, new Sampling(1, 0, 1, seed), List.of(), 16);
    }
}
