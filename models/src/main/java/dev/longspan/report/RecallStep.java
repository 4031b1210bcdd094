package dev.longspan.report;

import dev.longspan.checkpoint.Checkpoint;
import dev.longspan.model.WholeFolder;
import dev.longspan.recall.Origin;
import dev.longspan.recall.RecallBench;
import dev.longspan.recall.RecallPlace;
import dev.longspan.recall.RecallResult;
import dev.longspan.recall.RecallRow;
import dev.longspan.recall.RecallTrial;
import dev.longspan.recall.RmtFolder;
import dev.longspan.recall.ShippedModel;
import dev.longspan.task.MemoryTask;
import dev.longspan.task.Stories;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import dev.longspan.text.Corpus;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** A trained memory recalls a fact told at the start of documents far longer than those of its training. */
public final class RecallStep implements Step {

    /** Where in the job's folder the model is left. */
    static final String FOLDER = "model-rmt";

    private final WholeFolder.Contents model;
    private final Corpus noise;
    private final List<RecallTrial> trials;

    /**
     * Of a model folder.
     *
     * @param model writes it
     * @param noise whose held-out part stands between fact and question
     * @param trials a length each, the longest last
     */
    public RecallStep(WholeFolder.Contents model, Corpus noise, List<RecallTrial> trials) {
        this.model = model;
        this.noise = noise;
        this.trials = List.copyOf(trials);
    }

    /** The model that comes with the classes, up to 1,000 times the length of its training. */
    public static RecallStep shipped(Corpus noise) {
        return new RecallStep(ShippedModel::writeTo, noise, List.of(new RecallTrial(1, 64, 0.95), new RecallTrial(10, 32, 0.9),
                new RecallTrial(100, 16, 0.9), new RecallTrial(1000, 8, 0.75)));
    }

    @Override
    public String name() {
        return "a recurrent memory: recall at %,d times the length of its training".formatted(trials.getLast().times());
    }

    @Override
    public int shareSeconds() {
        return 35;
    }

    @Override
    public Section run(Job job) throws IOException {
        Path folder = job.folder().resolve(FOLDER);
        new WholeFolder(folder, ShippedModel.FILES).write(model);
        RmtFolder settings = RmtFolder.open(folder);
        int trained = settings.origin().segments();
        Stories stories = Origin.heldOut(MemoryTask.MEMORIZE, settings.origin().placement(), noise, settings.vocabulary(), job.seed());
        try (TensorArena arena = new TensorArena(job.backend().space()); Checkpoint weights = RmtFolder.weights(folder)) {
            long parameters = weights.tensors().values().stream().mapToLong(Tensor::elements).sum();
            job.out().printf("%,d parameters, memory of %d vectors, trained on 1 to %d segments of %d tokens; the fact stands first%n",
                    parameters, settings.shape().memory(), trained, settings.shape().segment());
            job.out().println(RecallResult.header());
            job.out().flush();
            RecallResult result = new RecallBench(job.backend(), job.parallel(), settings.load(folder, weights, arena), stories,
                    trained).run(trials, new Progress(job));
            result.footer().forEach(job.out()::println);
            Map<String, @Nullable Object> figures = new LinkedHashMap<>();
            figures.put("backend", job.backend().name());
            figures.put("model", folder.toString());
            figures.put("parameters", parameters);
            figures.put("memory", settings.shape().memory());
            figures.put("segment", settings.shape().segment());
            figures.put("trained_segments", trained);
            figures.put("text", noise.origin());
            figures.putAll(result.figures());
            return section(result, figures, "longspan recall eval " + folder + " --segments " + trials.stream()
                    .map(trial -> String.valueOf((long) trained * trial.times())).collect(Collectors.joining(",")));
        }
    }

    /** What is said of a result. */
    static Section section(RecallResult result, Map<String, @Nullable Object> figures, String redo) {
        return new Section("recall", "Recurrent memory: recall far beyond its training", result.passed(), figures,
                headlines(result), blocks(result), redo);
    }

    private record Progress(Job job) implements RecallBench.Listener {

        @Override
        public void onRow(RecallRow row) {
            print(RecallResult.line(row));
        }

        @Override
        public void onPlace(RecallPlace place) {
            print(RecallResult.line(place));
        }

        private void print(String line) {
            job.out().println(line);
            job.out().flush();
        }
    }

    private static List<Section.Headline> headlines(RecallResult result) {
        int longest = result.rows().size() - 1;
        return List.of(
                new Section.Headline("recurrent memory: {recall.rows.0.accuracy:percent} right at {recall.rows.0.tokens:count} "
                        + "tokens, the length of its training, %s".formatted(result.rows().stream().skip(1)
                        .map(row -> "{recall.rows.%1$d.accuracy:percent} at {recall.rows.%1$d.times:count} times that"
                                .formatted(result.rows().indexOf(row))).collect(Collectors.joining(", "))), result.isRecalled()),
                new Section.Headline("with its memory zeroed {recall.control.accuracy:percent}, a guess {recall.chance:percent}",
                        result.isControlled()),
                new Section.Headline(("recurrent memory: {recall.ratio:fixed2} times the time per token and {recall.growth:fixed2} "
                        + "times the memory at the end of {recall.rows.%d.tokens:count} tokens as at their start "
                        + "({recall.lastTokensPerSecond:count} tokens/s)").formatted(longest), result.isFlat()));
    }

    private static List<Block> blocks(RecallResult result) {
        List<List<String>> rows = new ArrayList<>();
        for (int i = 0; i < result.rows().size(); i++) {
            String at = "{recall.rows." + i + ".";
            rows.add(List.of(at + "tokens:count}", at + "times:count}", at + "documents}", at + "accuracy:percent}",
                    at + "low:percent} to " + at + "high:percent}", at + "least:percent}", at + "control_accuracy:percent}",
                    at + "tokens_per_s:count}"));
        }
        return List.of(
                new Block.Prose("A BERT of {recall.parameters:count} parameters with {recall.memory} memory vectors, trained on "
                        + "documents of 1 to {recall.trained_segments} segments of {recall.segment} tokens, comes with the command. A "
                        + "fact is told at a document's start, a question about it stands at its end, and between them lies "
                        + "text that training never saw ({recall.text}). From segment to segment only the memory is handed on. "
                        + "The control is the same model whose memory is zeroed after every segment: it can but guess, "
                        + "{recall.control.right} of {recall.control.documents} right ({recall.control.low:percent} to "
                        + "{recall.control.high:percent}, Wilson's 95 % interval), a guess {recall.chance:percent}."),
                new Block.Table(List.of("tokens", "times the training", "documents", "right", "95 % interval", "at least",
                        "memory zeroed", "tokens/s"), rows),
                new Block.Plot(new Chart("Recall by length", new Chart.Axis("tokens between fact and answer", true, Format.TOKENS),
                        new Chart.Axis("share of right answers", false, Format.FIXED2), List.of(
                        new Chart.Series("memory carried", "recall.rows", "tokens", "accuracy"),
                        new Chart.Series("memory zeroed", "recall.rows", "tokens", "control_accuracy")),
                        List.of(new Chart.Level("chance", "recall.chance")))),
                new Block.Facts(story()),
                new Block.Prose("Resident memory behind the first tenth {recall.early.resident:bytes}, at the end "
                        + "{recall.end.resident:bytes}, Java heap included; {recall.firstTokensPerSecond:count} tokens/s in the "
                        + "first segments, {recall.lastTokensPerSecond:count} in the last. Backend {recall.backend}."));
    }

    private static Map<String, String> story() {
        Map<String, String> story = new LinkedHashMap<>();
        story.put("Told", "{recall.story.fact}");
        story.put("Then", "{recall.story.between:count} tokens of other text");
        story.put("Asked", "{recall.story.question}");
        story.put("Answered", "{recall.story.answer}, probability {recall.story.probability:percent}");
        story.put("Right", "{recall.story.expected}");
        return story;
    }
}
