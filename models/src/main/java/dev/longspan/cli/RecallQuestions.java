package dev.longspan.cli;

import dev.longspan.backend.Backend;
import dev.longspan.checkpoint.Checkpoint;
import dev.longspan.parallel.Parallel;
import dev.longspan.recall.Examples;
import dev.longspan.recall.Origin;
import dev.longspan.recall.Recall;
import dev.longspan.recall.RmtFolder;
import dev.longspan.task.Placement;
import dev.longspan.tensor.TensorArena;
import dev.longspan.text.Corpus;
import dev.longspan.text.Sources;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How much a model is asked, and about what. */
final class RecallQuestions {

    @Option(names = "--documents", defaultValue = "512", paramLabel = "N",
            description = "Documents of each length (default: ${DEFAULT-VALUE}).")
    private int documents;

    @Option(names = "--most-segments", defaultValue = "262144", paramLabel = "N",
            description = "Segments read for one length; longer documents are fewer, but never under 64 (default: ${DEFAULT-VALUE}).")
    private long mostSegments;

    @Option(names = "--batch", defaultValue = "64", paramLabel = "N",
            description = "Documents read side by side (default: ${DEFAULT-VALUE}).")
    private int batch;

    @Option(names = "--data", paramLabel = "DIR",
            description = "Hide the facts in held-out text files below a folder (default: as in training).")
    private @Nullable Path data;

    @Option(names = "--placement", paramLabel = "anywhere|segment-start",
            description = "Where facts stand, but for memorize (default: as in training).")
    private @Nullable String placement;

    private static final int FEWEST = 64;

    /** Whose noise stays between models of one run. */
    record Noise(Corpus corpus) {
    }

    Noise noise(RmtFolder model) throws IOException {
        return new Noise(data == null ? model.origin().noise() : Sources.folder(data));
    }

    /** Measures a model at each number of segments and hands the scores on as they come. */
    void ask(Path folder, RmtFolder model, Noise noise, List<Integer> segments, List<Recall.Memory> memories, Backend backend,
            Parallel parallel, long seed, Consumer<Recall.Score> scores) {
        Placement where = placement == null ? model.origin().placement()
                : RecallOptions.isAnywhere(placement) ? Placement.ANYWHERE : Placement.segmentStart(model.shape().segment());
        Examples stories = Examples.of(Origin.heldOut(model.origin().task(), where, noise.corpus, model.vocabulary(), seed));
        try (TensorArena arena = new TensorArena(backend.space()); Checkpoint weights = RmtFolder.weights(folder);
                Recall recall = new Recall(backend, parallel, model.load(folder, weights, arena), stories, batch)) {
            for (int count : segments) {
                int asked = (int) Math.min(documents, Math.max(FEWEST, mostSegments / count));
                for (Recall.Memory memory : memories) {
                    scores.accept(recall.measure(count, asked, memory));
                }
            }
        }
    }

    static Map<String, Object> toMap(Recall.Score score) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("segments", score.segments());
        map.put("memory", score.memory().name().toLowerCase(java.util.Locale.ROOT));
        map.put("tokens", score.tokens() / score.answers().asked());
        map.put("documents", score.answers().asked());
        map.put("right", score.answers().right());
        map.put("accuracy", score.answers().accuracy());
        map.put("low", score.answers().low());
        map.put("high", score.answers().high());
        map.put("seconds", score.seconds());
        map.put("tokens_per_s", score.tokens() / score.seconds());
        return map;
    }
}
