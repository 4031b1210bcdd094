package dev.longspan.train;

import dev.longspan.backend.Backend;
import dev.longspan.checkpoint.Checkpoint;
import dev.longspan.checkpoint.ModelFormatException;
import dev.longspan.json.Json;
import dev.longspan.model.ModelConfig;
import dev.longspan.model.ModelFolder;
import dev.longspan.nn.LanguageModel;
import dev.longspan.parallel.CancelSignal;
import dev.longspan.parallel.CancelledException;
import dev.longspan.parallel.Parallel;
import dev.longspan.text.Corpus;
import dev.longspan.text.Passage;
import dev.longspan.text.Sources;
import dev.longspan.text.Windows;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A training run in a folder: steps, evaluations, log and checkpoints until the last step, a time limit or a signal. What
 * is on disk suffices to go on with the same bits. Serves one thread at a time.
 */
public final class TrainingRun implements AutoCloseable {

    /** Why a run stopped. */
    public enum End {
        /** All steps are done. */
        DONE,
        /** The time is up. */
        TIME,
        /** The signal was raised; a step under way was dropped. */
        CANCELLED
    }

    private final RunFolder folder;
    private final Map<String, @Nullable Object> config;
    private final Corpus corpus;
    private final TrainSettings settings;
    private final Parallel parallel;
    private final Trainer trainer;
    private final Evaluator evaluator;
    private final List<Passage> heldOut;
    private final String fingerprint;
    private Optional<Path> lastCheckpoint = Optional.empty();

    /** @param config what config.json is to hold */
    public TrainingRun(RunFolder folder, Backend backend, Parallel parallel, LanguageModel<?> model,
            Map<String, @Nullable Object> config, Corpus corpus, TrainSettings settings) {
        this.folder = folder;
        this.config = config;
        this.corpus = corpus;
        this.settings = settings;
        this.fingerprint = corpus.fingerprint();
        this.parallel = parallel;
        this.trainer = new Trainer(backend, parallel, model, new Windows(corpus.train(), settings.seed()), settings);
        this.evaluator = new Evaluator(backend, model);
        this.heldOut = Passage.sample(Passage.all(corpus.heldOut(), settings.context()), settings.evalBytes());
    }

    /** The settings that a checkpoint was written with. */
    public static TrainSettings settingsOf(Path checkpoint) throws IOException {
        Path file = checkpoint.resolve(RunFolder.STATE);
        try {
            return TrainSettings.of(object(file, "settings"));
        } catch (IllegalArgumentException | ArithmeticException e) {
            throw new ModelFormatException(file, ModelFormatException.NO_OFFSET, null, String.valueOf(e.getMessage()));
        }
    }

    /** The text that a checkpoint was trained on, read again from where it lay. */
    public static Corpus corpusOf(Path checkpoint) throws IOException {
        Map<?, ?> data = object(checkpoint.resolve(RunFolder.STATE), "data");
        return Sources.isStandard(String.valueOf(data.get("name"))) ? Sources.standard()
                : Sources.folder(Path.of(String.valueOf(data.get("origin"))));
    }

    /** Goes on from a checkpoint; throws IllegalArgumentException if the text is not the one it was trained on. */
    public void resume(Path checkpoint) throws IOException {
        Path file = checkpoint.resolve(RunFolder.STATE);
        if (!fingerprint.equals(object(file, "data").get("sha256"))) {
            throw new IllegalArgumentException("the training text is not the one this run started with: data="
                    + corpus.origin() + ", expected " + object(file, "data").get("origin"));
        }
        if (!(ModelConfig.readJson(file).get("step") instanceof Long step) || step < 0) {
            throw new ModelFormatException(file, ModelFormatException.NO_OFFSET, null, "step must be a whole number from 0");
        }
        try (Checkpoint weights = Checkpoint.open(checkpoint.resolve(Checkpoint.FILE));
                Checkpoint moments = Checkpoint.open(checkpoint.resolve(RunFolder.MOMENTS))) {
            trainer.restore(weights, moments, step);
        }
        lastCheckpoint = Optional.of(checkpoint);
    }

    /** Trains until the last step, {@code maxSeconds} or the signal, and writes a checkpoint at the end of each kind. */
    public End run(double maxSeconds, CancelSignal cancel, TrainListener listener) throws IOException {
        long start = System.nanoTime();
        try (TrainLog log = TrainLog.after(trainer.step(), folder.path().resolve(RunFolder.LOG))) {
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

    private End loop(long start, double maxSeconds, CancelSignal cancel, TrainListener listener, TrainLog log) {
        while (true) {
            long step = trainer.step();
            if (step > 0 && due(step, settings.saveEvery())) {
                save(listener);
            }
            if (step >= settings.steps() || due(step, settings.evalEvery())) {
                evaluate(cancel, listener, log);
            }
            if (step >= settings.steps()) {
                return End.DONE;
            }
            if ((System.nanoTime() - start) / 1e9 >= maxSeconds) {
                return End.TIME;
            }
            StepReport report = trainer.next(cancel);
            log.step(report);
            listener.onStep(report);
        }
    }

    private static boolean due(long step, long every) {
        return every > 0 && step % every == 0;
    }

    private void evaluate(CancelSignal cancel, TrainListener listener, TrainLog log) {
        if (!heldOut.isEmpty()) {
            double bits = evaluator.bitsPerByte(parallel.cancelledBy(cancel), heldOut);
            log.evaluation(trainer.step(), bits, heldOut.stream().mapToLong(Passage::length).sum());
            listener.onEvaluation(trainer.step(), bits);
        }
    }

    private void save(TrainListener listener) {
        Map<String, Object> data = new LinkedHashMap<>();
        data.put("name", corpus.name());
        data.put("origin", corpus.origin());
        data.put("sha256", fingerprint);
        Map<String, Object> state = new LinkedHashMap<>();
        state.put("step", trainer.step());
        state.put("sequences", trainer.step() * settings.accumulation() * settings.batch());
        state.put("settings", settings.toMap());
        state.put("data", data);
        Path saved = folder.save(trainer.step(), Map.of(ModelFolder.CONFIG, Json.pretty(config) + "\n"), state,
                trainer.weights(), trainer.moments(), settings.keep());
        if (!Optional.of(saved).equals(lastCheckpoint)) {
            lastCheckpoint = Optional.of(saved);
            listener.onCheckpoint(saved);
        }
    }

    /** Where the run stands. */
    public Trainer trainer() {
        return trainer;
    }

    /** The last checkpoint read or written. */
    public Optional<Path> lastCheckpoint() {
        return lastCheckpoint;
    }

    private static Map<?, ?> object(Path file, String key) throws IOException {
        if (ModelConfig.readJson(file).get(key) instanceof Map<?, ?> map) {
            return map;
        }
        throw new ModelFormatException(file, ModelFormatException.NO_OFFSET, null, key + " must be an object");
    }

    @Override
    public void close() {
        trainer.close();
        evaluator.close();
    }
}
