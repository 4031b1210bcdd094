package dev.longspan.recall;

import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.bench.Median;
import dev.longspan.bench.ResidentMemory;
import dev.longspan.parallel.Parallel;
import dev.longspan.rmt.RmtEncoder;
import dev.longspan.task.Sample;
import dev.longspan.task.Stories;
import dev.longspan.tensor.TensorArena;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/** How far back a trained memory recalls, and what reading that far costs in time and memory. */
public final class RecallBench {

    /** The control reads but the last segment of a document, so that it can answer many. */
    private static final int CONTROLS = 128;
    private static final int PLACES = 10;
    private static final int MOST_SEGMENTS_OF_A_WINDOW = 64;

    private final Backend backend;
    private final Parallel parallel;
    private final RmtEncoder model;
    private final Stories stories;
    private final long trained;

    /** Hears what happens meanwhile. */
    public interface Listener {

        /** Documents of one length are read. */
        void onRow(RecallRow row);

        /** A tenth more of the longest documents is read. */
        void onPlace(RecallPlace place);
    }

    /**
     * Of a model.
     *
     * @param segments of the longest documents that it was trained on
     */
    public RecallBench(Backend backend, Parallel parallel, RmtEncoder model, Stories stories, int segments) {
        this.backend = backend;
        this.parallel = parallel;
        this.model = model;
        this.stories = stories;
        this.trained = (long) segments * model.config().segment();
    }

    /** Reads documents of every length, the longest last: its reading is the one that is watched. */
    public RecallResult run(List<RecallTrial> trials, Listener listener) {
        List<RecallRow> rows = new ArrayList<>();
        try (TensorArena arena = new TensorArena(backend.space());
                Workspace workspace = new Workspace(backend.space(), 1 << 20);
                Recall recall = new Recall(backend, parallel, model, Examples.of(stories), CONTROLS)) {
            DocumentStream.Reader reader = new DocumentStream.Reader(backend, parallel, workspace, model);
            Run run = new Run(reader, arena, recall, listener);
            run.plainly(trials.getFirst()); // until the kernels are compiled, more or less
            for (RecallTrial trial : trials.subList(0, trials.size() - 1)) {
                rows.add(run.row(trial, run.plainly(trial)));
            }
            Watched watched = run.watched(trials.getLast());
            rows.add(run.row(trials.getLast(), watched.reading));
            return new RecallResult(trained, rows, watched.reading.stories.getFirst(), watched.first, watched.last, watched.ratio,
                    watched.early, watched.end);
        }
    }

    private record Reading(List<RecallStory> stories, double seconds) {
    }

    private record Watched(Reading reading, double first, double last, double ratio, ResidentMemory early, ResidentMemory end) {
    }

    private final class Run {
        private final DocumentStream.Reader reader;
        private final TensorArena arena;
        private final Recall recall;
        private final Listener listener;

        Run(DocumentStream.Reader reader, TensorArena arena, Recall recall, Listener listener) {
            this.reader = reader;
            this.arena = arena;
            this.recall = recall;
            this.listener = listener;
        }

        RecallRow row(RecallTrial trial, Reading reading) {
            long tokens = trained * trial.times();
            Tally control = recall.measure(Math.toIntExact(tokens / model.config().segment()), CONTROLS, Recall.Memory.ZEROED)
                    .answers();
            long right = reading.stories.stream().filter(RecallStory::isRight).count();
            RecallRow row = new RecallRow(trial, tokens, new Tally(right, trial.documents()), control, reading.seconds);
            listener.onRow(row);
            return row;
        }

        private DocumentStream start(RecallTrial trial) {
            List<Sample> documents = LongStream.range(0, trial.documents())
                    .mapToObj(i -> stories.draw(i, trained * trial.times())).toList();
            return reader.start(arena, documents);
        }

        private Reading reading(RecallTrial trial, DocumentStream stream, double seconds) {
            return new Reading(IntStream.range(0, trial.documents()).mapToObj(stream::story).toList(), seconds);
        }

        Reading plainly(RecallTrial trial) {
            DocumentStream stream = start(trial);
            double seconds = 0;
            while (stream.position() < trained * trial.times()) {
                seconds += stream.read();
            }
            return reading(trial, stream, seconds);
        }

        Watched watched(RecallTrial trial) {
            DocumentStream young = start(trial);
            DocumentStream whole = start(trial);
            Places places = new Places(trial);
            int segments = Math.toIntExact(places.end / model.config().segment());
            ResidentMemory.now(); // a heap that shrinks here has touched its pages again by the first place
            double[] first = new double[Math.clamp(segments / 4, 1, MOST_SEGMENTS_OF_A_WINDOW)];
            for (int i = 0; i < first.length; i++) {
                young.read();
                first[i] = places.read(whole);
            }
            for (int s = first.length; s < segments - first.length; s++) {
                places.read(whole);
            }
            // In turns with documents at their start: a machine that slows down meanwhile slows both.
            double[] last = new double[first.length];
            double[] others = new double[first.length];
            for (int i = 0; i < last.length; i++) {
                others[i] = young.read();
                last[i] = places.read(whole);
            }
            double tokens = (double) model.config().segment() * trial.documents();
            return new Watched(reading(trial, whole, places.seconds), Median.of(first) / tokens, Median.of(last) / tokens,
                    Median.of(last) / Median.of(others), places.memory.getFirst(), places.memory.getLast());
        }

        /** Tells the listener of every tenth of the way. */
        private final class Places {
            private final int documents;
            private final long end;
            private final List<ResidentMemory> memory = new ArrayList<>();
            private double seconds;
            private long reported;
            private double reportedSeconds;

            Places(RecallTrial trial) {
                documents = trial.documents();
                end = trained * trial.times();
            }

            double read(DocumentStream stream) {
                double spent = stream.read();
                seconds += spent;
                long at = stream.position();
                if (at * PLACES / end > reported * PLACES / end) {
                    memory.add(ResidentMemory.now());
                    listener.onPlace(new RecallPlace(at, (at - reported) * documents / (seconds - reportedSeconds),
                            memory.getLast()));
                    reported = at;
                    reportedSeconds = seconds;
                }
                return spent;
            }
        }
    }
}
