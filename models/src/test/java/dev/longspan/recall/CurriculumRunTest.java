package dev.longspan.recall;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.longspan.backend.Backend;
import dev.longspan.checkpoint.Checkpoint;
import dev.longspan.parallel.CancelSignal;
import dev.longspan.parallel.Parallel;
import dev.longspan.task.Lesson;
import dev.longspan.tensor.TensorArena;
import dev.longspan.train.NonFiniteException;
import dev.longspan.train.RunFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class CurriculumRunTest {

    private static final double NOISE = 0.3;

    @TempDir
    private Path temp;

    /** Trains in a folder, stopped by a signal after so many steps of this run. */
    private CurriculumRun.End train(String name, Curriculum curriculum, int threads, long steps) throws IOException {
        CancelSignal cancel = new CancelSignal();
        RecallListener stopper = new RecallListener() {
            private long seen;

            @Override
            public void onStep(RecallReport report) {
                if (++seen == steps) {
                    cancel.raise();
                }
            }
        };
        try (RunFolder folder = RunFolder.open(temp.resolve(name)); TensorArena arena = new TensorArena();
                CurriculumRun run = new CurriculumRun(folder, Lessons.model(curriculum), Lessons.shape().create(arena, 3),
                        Backend.best(), Parallel.of(threads), Lessons.examples())) {
            Optional<Path> last = folder.last();
            if (last.isPresent()) {
                run.resume(last.get());
            }
            return run.run(Double.POSITIVE_INFINITY, cancel, stopper);
        }
    }

    /** Weights and moments of the last checkpoint. */
    private Map<String, List<Double>> bits(String name) throws IOException {
        Map<String, List<Double>> bits = new LinkedHashMap<>();
        try (RunFolder folder = RunFolder.open(temp.resolve(name))) {
            Path last = folder.last().orElseThrow();
            for (String file : List.of(Checkpoint.FILE, RunFolder.MOMENTS)) {
                try (Checkpoint checkpoint = Checkpoint.open(last.resolve(file))) {
                    checkpoint.tensors().forEach((tensor, values) -> {
                        List<Double> all = new ArrayList<>();
                        for (double value : values.toDoubles()) {
                            all.add(value);
                        }
                        bits.put(file + " " + tensor, all);
                    });
                }
            }
        }
        return bits;
    }

    @Test
    void aResumedRunGivesTheBitsOfOneThatNeverStopped() throws IOException {
        Curriculum curriculum = Lessons.brief(NOISE, false);
        assertThat(train("straight", curriculum, 1, 0)).isEqualTo(CurriculumRun.End.DONE);
        assertThat(train("stopped", curriculum, 1, 2)).isEqualTo(CurriculumRun.End.CANCELLED);
        assertThat(train("stopped", curriculum, 1, 3)).isEqualTo(CurriculumRun.End.CANCELLED);
        assertThat(train("stopped", curriculum, 1, 0)).isEqualTo(CurriculumRun.End.DONE);
        assertThat(bits("stopped")).isEqualTo(bits("straight"));
        for (int n = 1; n <= 3; n++) {
            Path stage = Path.of("stage-" + n, Checkpoint.FILE);
            assertThat(temp.resolve("stopped").resolve(stage)).hasSameBinaryContentAs(temp.resolve("straight").resolve(stage));
        }
    }

    @Test
    void theLogOfAResumedRunHasEveryStepAndStageOnce() throws IOException {
        Curriculum curriculum = Lessons.brief(0, false);
        train("run", curriculum, 1, 4);
        train("run", curriculum, 1, 0);
        List<String> lines = Files.readAllLines(temp.resolve("run").resolve(RunFolder.LOG));
        assertThat(lines.stream().filter(line -> line.contains("\"loss\""))).hasSize(9);
        assertThat(lines.stream().filter(line -> line.contains("\"learned\""))).hasSize(3);
    }

    @Test
    void twoThreadsGiveTheBitsOfOne() throws IOException {
        train("one", Lessons.brief(NOISE, false), 1, 0);
        train("two", Lessons.brief(NOISE, false), 2, 0);
        assertThat(bits("two")).isEqualTo(bits("one"));
    }

    @Test
    void lessonsGoBeforeTheFirstStageAndReturnInIt() throws IOException {
        Map<String, Integer> drawn = new TreeMap<>();
        Examples counting = (index, tokens, lesson) -> {
            drawn.merge((lesson.equals(Lesson.WHOLE) ? "whole " : lesson.equals(Lesson.TOLD_FIRST) ? "first " : "lesson ") + tokens, 1,
                    Integer::sum);
            return Lessons.examples().draw(index, tokens, lesson);
        };
        try (TensorArena arena = new TensorArena(); Learner learner = new Learner(Backend.best(), Parallel.of(1),
                Lessons.shape().create(arena, 3), counting, Lessons.taught())) {
            for (int step = 0; step < 5; step++) {
                assertThat(learner.next(new CancelSignal()).taught()).isZero();
            }
            assertThat(drawn).as("lesson 0, 5 steps of 6 documents").containsExactly(Map.entry("lesson 3", 30));
            assertThat(learner.progress().isConsolidating()).as("the lessons have taken their most steps").isTrue();
        }
        drawn.clear();
        Progress taught = new Progress(9, 0, 9, Progress.NOT_YET, Progress.LESSONS, List.of());
        try (TensorArena arena = new TensorArena(); Learner learner = new Learner(Backend.best(), Parallel.of(1),
                Lessons.shape().create(arena, 3), counting, Lessons.taught())) {
            Path model = temp.resolve("model");
            Lessons.model(Lessons.taught()).write(model, learner.weights());
            try (Checkpoint weights = RmtFolder.weights(model); Checkpoint moments = moments(learner)) {
                learner.restore(weights, moments, taught);
            }
            assertThat(learner.next(new CancelSignal()).taught()).isEqualTo(1);
        }
        assertThat(drawn.keySet()).containsExactly("first 14", "whole 7");
    }

    @Test
    void theFinishGoesOnFromTheLastStage() throws IOException {
        assertThat(train("plain", Lessons.brief(0, false), 1, 0)).isEqualTo(CurriculumRun.End.DONE);
        assertThat(train("finished", Lessons.finished(), 1, 0)).isEqualTo(CurriculumRun.End.DONE);
        Path last = Path.of("stage-3", Checkpoint.FILE);
        assertThat(temp.resolve("finished").resolve(last)).hasSameBinaryContentAs(temp.resolve("plain").resolve(last));
        assertThat(CurriculumRun.stages(temp.resolve("finished"))).containsOnlyKeys(1, 2, 3, 4, 6);
        assertThat(Files.readAllLines(temp.resolve("finished").resolve(RunFolder.LOG)).stream()
                .filter(line -> line.contains("\"loss\""))).as("five stages of three steps").hasSize(15);
    }

    private Checkpoint moments(Learner learner) throws IOException {
        Path file = temp.resolve("moments");
        Checkpoint.save(file, learner.moments(), Map.of());
        return Checkpoint.open(file);
    }

    @Test
    void memoryNoiseIsTheSameWhenASegmentIsComputedAgain() throws IOException {
        train("kept", Lessons.brief(NOISE, false), 1, 0);
        train("again", Lessons.brief(NOISE, true), 1, 0);
        assertThat(bits("again")).isEqualTo(bits("kept"));
    }

    @Test
    void memoryNoiseChangesWhatIsLearned() throws IOException {
        train("noisy", Lessons.brief(NOISE, false), 1, 0);
        train("quiet", Lessons.brief(0, false), 1, 0);
        assertThat(bits("noisy")).isNotEqualTo(bits("quiet"));
    }

    @Test
    void aLossThatIsNotFiniteNamesItsStepAndChangesNothing() throws IOException {
        try (RunFolder folder = RunFolder.open(temp.resolve("run")); TensorArena arena = new TensorArena();
                CurriculumRun run = new CurriculumRun(folder, Lessons.model(Lessons.brief(0, false)),
                        Lessons.shape().create(arena, 3), Backend.best(), Parallel.of(1), Lessons.examples())) {
            run.learner().next(new CancelSignal());
            Objects.requireNonNull(run.learner().weights().get("memory")).fill(Float.NaN);
            assertThatThrownBy(() -> run.run(Double.POSITIVE_INFINITY, new CancelSignal(), RecallListener.NONE))
                    .isInstanceOf(NonFiniteException.class).hasMessageStartingWith("step 2: loss is not finite");
            assertThat(run.learner().progress().step()).isEqualTo(1);
        }
    }

    @Test
    void aTaskIsLearnedStageByStageAndForgottenWithoutMemory() throws IOException {
        Curriculum curriculum = Lessons.whole();
        train("run", curriculum, 1, 0);
        Path stage = temp.resolve("run").resolve("stage-2");
        RmtFolder model = RmtFolder.open(stage);
        try (TensorArena arena = new TensorArena(); Checkpoint weights = RmtFolder.weights(stage);
                Recall recall = new Recall(Backend.best(), Parallel.of(1), model.load(stage, weights, arena),
                        (index, tokens, lesson) -> Lessons.examples().draw(index + 1_000_000, tokens, lesson), 50)) {
            assertThat(recall.measure(1, 200, Recall.Memory.CARRIED).answers().accuracy()).isGreaterThan(0.9);
            assertThat(recall.measure(2, 200, Recall.Memory.CARRIED).answers().accuracy()).isGreaterThan(0.9);
            assertThat(recall.measure(2, 200, Recall.Memory.ZEROED).answers().accuracy()).isBetween(0.35, 0.65);
        }
    }
}
