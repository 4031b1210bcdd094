package dev.longspan.recall;

import dev.longspan.backend.Backend;
import dev.longspan.checkpoint.Checkpoint;
import dev.longspan.checkpoint.ModelFormatException;
import dev.longspan.json.JsonObject;
import dev.longspan.model.ModelConfig;
import dev.longspan.parallel.CancelSignal;
import dev.longspan.parallel.CancelledException;
import dev.longspan.parallel.Parallel;
import dev.longspan.rmt.RmtEncoder;
import dev.longspan.train.NonFiniteException;
import dev.longspan.train.RunFolder;
import dev.longspan.train.TrainLog;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A curriculum in a folder: {@code stage-n/}, a model folder for each finished stage, {@code log.jsonl}, and the last
 * checkpoint, which suffices to go on with the same bits. Serves one thread at a time.
 */
public final class CurriculumRun implements AutoCloseable {

    /** Start of the names of finished stages, followed by their segments. */
    public static final String STAGE_PREFIX = "stage-";

    private static final int KEPT = 1;

    /** Why a run stopped. */
    public enum End {
        /** All stages are done. */
        DONE,
        /** The time is up. */
        TIME,
        /** The signal was raised; a step under way was dropped. */
        CANCELLED
    }

    private final RunFolder folder;
    private final RmtFolder model;
    private final Curriculum curriculum;
    private final Learner learner;
    private Optional<Path> lastCheckpoint = Optional.empty();
    private long stageStart = System.nanoTime();

    /**
     * A new run.
     *
     * @param model what to write beside the weights
     * @param network the model itself, whose weights are updated
     */
    public CurriculumRun(RunFolder folder, RmtFolder model, RmtEncoder network, Backend backend, Parallel parallel,
            Examples examples) {
        this.folder = folder;
        this.model = model;
        this.curriculum = model.origin().curriculum();
        this.learner = new Learner(backend, parallel, network, examples, curriculum);
    }

    /** Goes on from a checkpoint. */
    public void resume(Path checkpoint) throws IOException {
        Path file = checkpoint.resolve(RunFolder.STATE);
        Map<String, @Nullable Object> state = ModelConfig.readJson(file);
        Progress progress;
        try {
            progress = Progress.read(JsonObject.of("state", state));
        } catch (IllegalArgumentException | ArithmeticException e) {
            throw new ModelFormatException(file, ModelFormatException.NO_OFFSET, null, String.valueOf(e.getMessage()));
        }
        try (Checkpoint weights = RmtFolder.weights(checkpoint);
                Checkpoint moments = Checkpoint.open(checkpoint.resolve(RunFolder.MOMENTS))) {
            learner.restore(weights, moments, progress);
        }
        lastCheckpoint = Optional.of(checkpoint);
    }

    /** Trains until the last stage, {@code maxSeconds} or the signal, and writes a checkpoint at the end of each kind. */
    public End run(double maxSeconds, CancelSignal cancel, RecallListener listener) throws IOException {
        long start = System.nanoTime();
        stageStart = start;
        try (TrainLog log = TrainLog.after(learner.progress().step(), folder.path().resolve(RunFolder.LOG))) {
            End end;
            try {
                end = loop(start, maxSeconds, cancel, listener, log);
            } catch (CancelledException stopped) {
                end = End.CANCELLED;
            }
            save(listener);
            return end;
        } catch (NonFiniteException e) {
            throw e.after(lastCheckpoint);
        }
    }

    private End loop(long start, double maxSeconds, CancelSignal cancel, RecallListener listener, TrainLog log)
            throws IOException {
        while (!learner.isDone()) {
            long step = learner.progress().step();
            if (curriculum.saveEvery() > 0 && step > 0 && step % curriculum.saveEvery() == 0) {
                save(listener);
            }
            if ((System.nanoTime() - start) / 1e9 >= maxSeconds) {
                return End.TIME;
            }
            RecallReport report = learner.next(cancel);
            log.write(report.toMap());
            listener.onStep(report);
            if (learner.isStageDone()) {
                StageReport stage = finishStage(report);
                log.write(stage.toMap());
                listener.onStage(stage);
            }
        }
        return End.DONE;
    }

    private StageReport finishStage(RecallReport last) throws IOException {
        Path path = folder.path().resolve(STAGE_PREFIX + last.segments());
        model.trainedOn(last.segments()).write(path, learner.weights());
        boolean learned = learner.progress().isLearned(curriculum);
        learner.nextStage();
        long now = System.nanoTime();
        double seconds = (now - stageStart) / 1e9;
        stageStart = now;
        return new StageReport(last.segments(), last.step(), last.stageStep(), last.runningAccuracy(), learned, seconds, path);
    }

    private void save(RecallListener listener) {
        Progress progress = learner.progress();
        int segments = curriculum.stage(progress.stage());
        Path saved = folder.save(progress.step(), model.trainedOn(segments).texts(), progress.toMap(),
                learner.weights(), learner.moments(), KEPT);
        if (!Optional.of(saved).equals(lastCheckpoint)) {
            lastCheckpoint = Optional.of(saved);
            listener.onCheckpoint(saved);
        }
    }

    /** The finished stages of a run by their segments. */
    public static SortedMap<Integer, Path> stages(Path run) throws IOException {
        SortedMap<Integer, Path> stages = new TreeMap<>();
        try (DirectoryStream<Path> found = Files.newDirectoryStream(run, STAGE_PREFIX + "[0-9]*")) {
            for (Path stage : found) {
                String number = String.valueOf(stage.getFileName()).substring(STAGE_PREFIX.length());
                if (number.matches("[0-9]{1,9}")) {
                    stages.put(Integer.valueOf(number), stage);
                }
            }
        }
        return stages;
    }

    /** The last finished stage of a run, and any other path as it is. */
    public static Path lastStage(Path path) throws IOException {
        SortedMap<Integer, Path> stages = Files.isDirectory(path) ? stages(path) : new TreeMap<>();
        return stages.isEmpty() ? path : stages.lastEntry().getValue();
    }

    /** Where the training stands. */
    public Learner learner() {
        return learner;
    }

    /** The last checkpoint read or written. */
    public Optional<Path> lastCheckpoint() {
        return lastCheckpoint;
    }

    @Override
    public void close() {
        learner.close();
    }
}
