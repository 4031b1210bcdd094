package dev.longspan.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.longspan.backend.Backend;
import dev.longspan.json.Json;
import dev.longspan.nn.Embedding;
import dev.longspan.parallel.CancelSignal;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import dev.longspan.text.Corpus;
import dev.longspan.text.Document;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainingRunTest {

    private static final TrainSettings SETTINGS =
            new TrainSettings(32, 2, 2, 12, 3e-2, 1e-3, 3, 0.5, 0.01, 4, 500, 5, 2, 7);
    private static final Corpus CORPUS = corpus("public static void main");

    @TempDir
    private Path temporary;

    /** Everything a run leaves that must not depend on where it was interrupted. */
    private record Trace(String weights, String moments, List<String> log) {
    }

    @Test
    void stoppingAndResumingAnywhereGivesTheSameBitsAsNeverStopping() throws IOException {
        Trace straight = train(temporary.resolve("straight"), Long.MAX_VALUE);
        assertThat(straight.log()).hasSize(12 + 4);
        for (long stop : new long[] {0, 1, 4, 5, 11}) {
            Path out = temporary.resolve("stopped-" + stop);
            train(out, stop);
            assertThat(train(out, Long.MAX_VALUE)).as("stopped after step %d", stop).isEqualTo(straight);
        }
    }

    @Test
    void theThreadCountDoesNotShowInTheBits() throws IOException {
        assertThat(train(temporary.resolve("one"), Long.MAX_VALUE, Parallel.of(1)))
                .isEqualTo(train(temporary.resolve("three"), Long.MAX_VALUE, Parallel.of(3)));
    }

    @Test
    void aRunThatWasKilledGoesOnFromItsLastCheckpointAndForgetsTheLogBeyondIt() throws IOException {
        Trace straight = train(temporary.resolve("straight"), Long.MAX_VALUE);
        Path out = temporary.resolve("killed");
        train(out, 7);
        // As if the process had died before it could write the checkpoint of step 7.
        Path last = closed(RunFolder.open(out)).last().orElseThrow();
        assertThat(last).hasFileName("step-00000007");
        Files.createDirectory(out.resolve(".step-00000008"));
        Files.writeString(out.resolve(".step-00000008/config.json"), "{");
        deleteFolder(last);
        Files.writeString(out.resolve("log.jsonl"), Files.readString(out.resolve("log.jsonl")) + "{\"step\":8,\"lo");
        assertThat(train(out, Long.MAX_VALUE)).isEqualTo(straight);
        assertThat(out.resolve(".step-00000008")).doesNotExist();
    }

    @Test
    void theLastCheckpointsAreKeptAndTheLossFalls() throws IOException {
        Path out = temporary.resolve("run");
        Trace trace = train(out, Long.MAX_VALUE);
        assertThat(list(out)).containsExactly("step-00000010", "step-00000012");
        List<Double> heldOut = trace.log().stream().map(Json::object).filter(l -> l.containsKey("held_out_bpb"))
                .map(l -> (Double) l.get("held_out_bpb")).toList();
        assertThat(heldOut.getLast()).isLessThan(heldOut.getFirst() - 1);
    }

    @Test
    void aLossThatIsNotFiniteStopsBeforeAnythingChangesAndNamesTheLastCheckpoint() throws IOException {
        try (TensorArena arena = new TensorArena(); RunFolder folder = RunFolder.open(temporary.resolve("nan"))) {
            Bigram model = Bigram.create(arena, 256, 16, 1);
            try (TrainingRun run = run(folder, model, SETTINGS, Parallel.all())) {
                TrainListener plant = new TrainListener() {
                    @Override
                    public void onStep(StepReport report) {
                        if (report.step() == 6) {
                            model.table().weight().fill(Double.NaN);
                        }
                    }
                };
                assertThatExceptionOfType(NonFiniteException.class)
                        .isThrownBy(() -> run.run(Double.MAX_VALUE, new CancelSignal(), plant))
                        .withMessageContaining("step 7: loss is not finite").withMessageContaining("step-00000005");
                assertThat(run.trainer().step()).isEqualTo(6);
            }
            assertThat(list(folder.path())).containsExactly("step-00000005");
        }
    }

    @Test
    void aGradientThatIsNotFiniteNamesItsTensor() {
        try (TensorArena arena = new TensorArena()) {
            Bigram created = Bigram.create(arena, 256, 16, 1);
            created.table().weight().fill(0);
            // The logits are those of the bias alone, and finite; the way back multiplies by the scale.
            created.output().weight().fill(0);
            created.output().weight().select(0, 0).fill(1e4);
            Bigram model = new Bigram(new Embedding(created.table().weight(), 3e38), created.output());
            try (Trainer trainer = new Trainer(Backend.best(), Parallel.all(), model,
                    new dev.longspan.text.Windows(CORPUS.train(), 1), SETTINGS)) {
                assertThatExceptionOfType(NonFiniteException.class).isThrownBy(() -> trainer.next(new CancelSignal()))
                        .withMessageContaining("the gradient of table.weight is not finite");
                assertThat(trainer.moments().values()).allSatisfy(m -> assertThat(m.toFloats()).containsOnly(0));
            }
        }
    }

    @Test
    void otherTextIsRefusedOnResume() throws IOException {
        Path out = temporary.resolve("run");
        train(out, 3);
        try (TensorArena arena = new TensorArena(); RunFolder folder = RunFolder.open(out);
                TrainingRun run = new TrainingRun(folder, Backend.best(), Parallel.all(), Bigram.create(arena, 256, 16, 1),
                        Map.of(), corpus("something else"), SETTINGS)) {
            assertThatIllegalArgumentException().isThrownBy(() -> run.resume(folder.last().orElseThrow()))
                    .withMessageContaining("training text");
        }
    }

    @Test
    void twoRunsCannotShareAFolder() throws IOException {
        try (RunFolder first = RunFolder.open(temporary)) {
            assertThatIllegalArgumentException().isThrownBy(() -> RunFolder.open(first.path()))
                    .withMessageContaining("another run");
        }
    }

    @Test
    void aVocabularyThatCannotHoldBytesIsRefused() {
        try (TensorArena arena = new TensorArena()) {
            assertThatIllegalArgumentException().isThrownBy(() -> new Trainer(Backend.best(), Parallel.all(),
                    Bigram.create(arena, 100, 16, 1), new dev.longspan.text.Windows(CORPUS.train(), 1), SETTINGS))
                    .withMessageContaining("vocabulary=100");
        }
    }

    private static Trace train(Path out, long stopAfter) throws IOException {
        return train(out, stopAfter, Parallel.all());
    }

    /** Starts or resumes a run; raises the signal after a step, so that the next one is dropped. */
    private static Trace train(Path out, long stopAfter, Parallel parallel) throws IOException {
        try (TensorArena arena = new TensorArena(); RunFolder folder = RunFolder.open(out);
                TrainingRun run = run(folder, Bigram.create(arena, 256, 16, 1), SETTINGS, parallel)) {
            Optional<Path> last = folder.last();
            if (last.isPresent()) {
                run.resume(last.get());
            }
            CancelSignal cancel = new CancelSignal();
            if (stopAfter == 0) {
                cancel.raise();
            }
            TrainingRun.End end = run.run(Double.MAX_VALUE, cancel, new TrainListener() {
                @Override
                public void onStep(StepReport report) {
                    if (report.step() == stopAfter) {
                        cancel.raise();
                    }
                }
            });
            assertThat(end).isEqualTo(stopAfter <= 12 ? TrainingRun.End.CANCELLED : TrainingRun.End.DONE);
            return new Trace(sha256(run.trainer().weights()), sha256(run.trainer().moments()),
                    comparable(Files.readAllLines(out.resolve("log.jsonl"))));
        }
    }

    private static TrainingRun run(RunFolder folder, Bigram model, TrainSettings settings, Parallel parallel) {
        Map<String, Object> config = new LinkedHashMap<>(Map.of("architecture", "bigram", "vocabulary", 256, "width", 16));
        return new TrainingRun(folder, Backend.best(), parallel, model, config, CORPUS, settings);
    }

    /** Without what a clock or the heap decides. */
    private static List<String> comparable(List<String> log) {
        List<String> lines = new ArrayList<>();
        for (String line : log) {
            Map<String, ?> entry = Json.object(line);
            entry.keySet().removeAll(List.of("tokens_per_s", "memory_bytes"));
            lines.add(Json.line(entry));
        }
        return lines;
    }

    private static String sha256(Map<String, Tensor> tensors) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            tensors.forEach((name, tensor) -> {
                digest.update(name.getBytes(StandardCharsets.UTF_8));
                digest.update(tensor.segment().asSlice(tensor.offset() * 4, tensor.elements() * 4).asByteBuffer());
            });
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Corpus corpus(String phrase) {
        return Corpus.split("test", "memory", IntStream.range(0, 60).mapToObj(i -> new Document("d" + i,
                ("class C" + i + " { " + phrase + "(String[] args) { } }\n").repeat(3).getBytes(StandardCharsets.UTF_8)))
                .toList());
    }

    private static RunFolder closed(RunFolder folder) throws IOException {
        folder.close();
        return folder;
    }

    private static List<String> list(Path out) throws IOException {
        try (var entries = Files.list(out)) {
            return entries.map(p -> p.getFileName().toString()).filter(n -> n.startsWith("step-")).sorted().toList();
        }
    }

    private static void deleteFolder(Path folder) throws IOException {
        try (var files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(folder);
    }
}
