package dev.longspan.cli;

import dev.longspan.backend.Backend;
import dev.longspan.classify.Classifier;
import dev.longspan.classify.Entrant;
import dev.longspan.classify.Trial;
import dev.longspan.nn.Layer;
import dev.longspan.parallel.CancelledException;
import dev.longspan.parallel.Parallel;
import dev.longspan.rmt.RmtConfig;
import dev.longspan.task.MemoryTask;
import dev.longspan.task.Noise;
import dev.longspan.task.Place;
import dev.longspan.task.Placement;
import dev.longspan.task.Stories;
import dev.longspan.task.Vocabulary;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import dev.longspan.text.Corpus;
import dev.longspan.text.Sources;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** A recurrent memory beside dense and sliding-window attention. */
@Command(
        name = "compare",
        header = "A recurrent memory, dense attention and a sliding window trained on one task for the same time.",
        description = {"", "Each model of the same layers trains for --seconds on the same documents of 1 to --train segments, a "
                + "faster one on more of them, and is then asked about held-out documents of --segments. Accuracy, tokens/s, and "
                + "the memory of activations.", ""},
        footer = {"", "Examples:", "  longspan recall compare --seconds 120",
            "  longspan recall compare --task memorize --seconds 60 --train 7 --segments 1,7,28,112 --format json"})
final class RecallCompareCommand implements Callable<Integer> {

    @ParentCommand
    private RecallCommand recall;

    @Option(names = "--task", defaultValue = "detect", paramLabel = "NAME",
            description = "memorize, detect or reasoning (default: ${DEFAULT-VALUE}).")
    private String task = "detect";

    @Option(names = "--data", paramLabel = "DIR",
            description = "Hide the facts in the text files below a folder (default: the JDK's documentation).")
    private @Nullable Path data;

    @Option(names = "--seconds", defaultValue = "120", paramLabel = "S",
            description = "Training time of each model (default: ${DEFAULT-VALUE}).")
    private double seconds;

    @Option(names = "--train", defaultValue = "4", paramLabel = "N",
            description = "Most segments of a document in training (default: ${DEFAULT-VALUE}).")
    private int train;

    @Option(names = "--segments", converter = SegmentList.Converter.class, defaultValue = "1,2,4,8,16", paramLabel = "LIST",
            description = "Segments of the documents asked about (default: ${DEFAULT-VALUE}).")
    private SegmentList segments = new SegmentList(List.of());

    @Option(names = "--documents", defaultValue = "200", paramLabel = "N",
            description = "Documents of each length (default: ${DEFAULT-VALUE}).")
    private int documents;

    @Option(names = "--batch", defaultValue = "16", paramLabel = "N", description = "Documents of a step (default: ${DEFAULT-VALUE}).")
    private int batch;

    @Option(names = "--learning-rate", defaultValue = "1e-3", paramLabel = "X",
            description = "Learning rate of all models (default: ${DEFAULT-VALUE}).")
    private double learningRate;

    @Option(names = "--input", defaultValue = "64", paramLabel = "N",
            description = "Rows of a segment; of the window's block as well (default: ${DEFAULT-VALUE}).")
    private int input;

    @Option(names = "--memory", defaultValue = "10", paramLabel = "N", description = "Memory vectors (default: ${DEFAULT-VALUE}).")
    private int memory;

    @Override
    public Integer call() throws IOException {
        MemoryTask named = MemoryTask.named(task);
        int segment = RmtConfig.encoder(memory, input).segment();
        if (documents <= 0 || !(seconds >= 0)) {
            throw new IllegalArgumentException("documents must be positive and seconds not negative: documents=" + documents
                    + ", seconds=" + seconds);
        }
        Main main = recall.main();
        Backend backend = main.backend();
        Corpus noise = data == null ? Sources.standard() : Sources.folder(data);
        Vocabulary words = Vocabulary.of(noise, Vocabulary.SIZE);
        Entrant.Sizes sizes = new Entrant.Sizes(words.size(), words.special(), Place.values().length, 64, 4, 2, 128, memory, input);
        try (StopSignals signals = StopSignals.caught()) {
            Parallel parallel = main.parallel().cancelledBy(signals.cancel());
            Trial trial = new Trial(backend, parallel,
                    new Stories(named, words, Noise.train(noise, words), Placement.ANYWHERE, main.seed()),
                    new Stories(named, words, Noise.heldOut(noise, words), Placement.ANYWHERE, main.seed() + 1), train, segment, batch,
                    learningRate, main.seed());
            Output output = main.output();
            output.line("%s in %s; segments of %d tokens, 1 to %d of them in training, %.0f s each, %d threads, backend %s",
                    RecallCommand.name(named), noise.origin(), segment, train, seconds, main.parallel().threads(), backend.name());
            List<Map<String, Object>> rows = new ArrayList<>();
            try {
                for (Entrant entrant : Entrant.values()) {
                    rows.add(row(entrant, sizes, trial, output));
                }
            } catch (CancelledException stopped) {
                return signals.status().orElse(ExitStatus.CHECK_FAILED);
            }
            Map<String, Object> result = new LinkedHashMap<>();
            result.put("task", RecallCommand.name(named));
            result.put("segment", segment);
            result.put("trained_segments", train);
            result.put("models", rows);
            output.result(result);
            return ExitStatus.OK;
        }
    }

    private Map<String, Object> row(Entrant entrant, Entrant.Sizes sizes, Trial trial, Output output) {
        Map<String, Object> row = new LinkedHashMap<>();
        String name = entrant.name().toLowerCase(Locale.ROOT);
        try (TensorArena arena = new TensorArena()) {
            Classifier model = entrant.create(sizes, arena, recall.main().seed());
            long parameters = Layer.distinct(model.parameters()).stream().mapToLong(Tensor::elements).sum();
            Trial.Trained trained = trial.train(model, seconds);
            output.line("%-8s %,d parameters; trained %,d steps, %,.0f tokens/s, last loss %.3f, activations %s", name, parameters,
                    trained.steps(), trained.tokens() / trained.seconds(), trained.lastLoss(), ByteSize.text(trained.peakBytes()));
            List<Map<String, Object>> scores = new ArrayList<>();
            for (int length : segments.counts()) {
                Trial.Score score = trial.ask(model, length, documents);
                output.line("  %6d segments  %5.1f %%  %,10.0f tokens/s  %10s%s", length, 100 * score.accuracy(),
                        score.tokens() / score.seconds(), ByteSize.text(score.peakBytes()),
                        length > trial.segments() ? "  beyond training" : "");
                Map<String, Object> cell = new LinkedHashMap<>();
                cell.put("segments", length);
                cell.put("accuracy", score.accuracy());
                cell.put("documents", score.asked());
                cell.put("tokens_per_s", score.tokens() / score.seconds());
                cell.put("activation_bytes", score.peakBytes());
                scores.add(cell);
            }
            row.put("model", name);
            row.put("parameters", parameters);
            row.put("steps", trained.steps());
            row.put("train_tokens_per_s", trained.tokens() / trained.seconds());
            row.put("train_activation_bytes", trained.peakBytes());
            row.put("scores", scores);
            return row;
        }
    }
}
