package dev.longspan.cli;

import dev.longspan.recall.Curriculum;
import dev.longspan.recall.Finish;
import dev.longspan.recall.LessonPlan;
import dev.longspan.recall.Recipe;
import dev.longspan.recall.RmtShape;
import dev.longspan.recall.StageEnd;
import dev.longspan.recall.UpdateRule;
import dev.longspan.rmt.Alignment;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What differs from a recipe. */
final class RecallOptions {

    @Option(names = "--stages", paramLabel = "LIST", converter = SegmentList.Converter.class,
            description = "Segments of the documents, stage by stage, such as 1-7,10,15; one number trains without a curriculum "
                    + "(default: 1-7).")
    private @Nullable SegmentList stages;

    @Option(names = "--batch", paramLabel = "N", description = "Documents of a step (default: 32).")
    private @Nullable Integer batch;

    @Option(names = "--learning-rate", paramLabel = "X", description = "Highest learning rate (default: 1e-3).")
    private @Nullable Double learningRate;

    @Option(names = "--end-learning-rate", paramLabel = "X",
            description = "Learning rate at the end of a --decay (default: a tenth of the highest).")
    private @Nullable Double endLearningRate;

    @Option(names = "--decay", paramLabel = "none|stage|consolidation",
            description = "When the learning rate falls: never, over the --max-steps of each stage, or over its consolidation "
                    + "(default: consolidation).")
    private UpdateRule.@Nullable Decay decay;

    @Option(names = "--warmup", paramLabel = "N", description = "Steps of rising learning rate in each stage (default: 50).")
    private @Nullable Long warmup;

    @Option(names = "--clip-value", paramLabel = "X", description = "Largest element of a gradient; 0 is off (default: 5).")
    private @Nullable Double clipValue;

    @Option(names = "--clip-norm", paramLabel = "X", description = "Largest norm of the gradient; 0 is off (default: 1).")
    private @Nullable Double clipNorm;

    @Option(names = "--weight-decay", paramLabel = "X", description = "Weight decay of matrices (default: 1e-3).")
    private @Nullable Double weightDecay;

    @Option(names = "--window", paramLabel = "N", description = "Steps of the running accuracy (default: 50).")
    private @Nullable Integer window;

    @Option(names = "--threshold", paramLabel = "X",
            description = "Running accuracy that ends a stage, above 1 never (default: 0.995).")
    private @Nullable Double threshold;

    @Option(names = "--min-steps", paramLabel = "N", description = "Steps of a stage at least (default: 100).")
    private @Nullable Long minSteps;

    @Option(names = "--max-steps", paramLabel = "N",
            description = "Steps of a stage that does not reach the threshold (default: 1200).")
    private @Nullable Long maxSteps;

    @Option(names = "--consolidation", paramLabel = "N", description = "Steps of a stage after that (default: 200; detect 600).")
    private @Nullable Long consolidation;

    @Option(names = "--earlier", paramLabel = "X",
            description = "Share of documents with the segments of a random earlier stage (default: 0.5).")
    private @Nullable Double earlier;

    @Option(names = "--memory-noise", paramLabel = "X",
            description = "Deviation of noise on memory passed on, in training only (default: 0.5; reasoning 0.3).")
    private @Nullable Double memoryNoise;

    @Option(names = "--pace", paramLabel = "N",
            description = "Begin with lessons: short documents in one wording with the facts first, and N good steps to each of "
                    + "three harder ones; 0 begins with the whole task (default: 0; reasoning 100).")
    private @Nullable Long pace;

    @Option(names = "--lesson-segments", paramLabel = "N", description = "Segments that the lessons' documents grow to "
            + "(default: 2).")
    private @Nullable Integer lessonSegments;

    @Option(names = "--lesson-noise", paramLabel = "X", description = "--memory-noise of the lessons (default: 0.1).")
    private @Nullable Double lessonNoise;

    @Option(names = "--lesson-steps", paramLabel = "N", description = "Steps of all lessons at most (default: 10000).")
    private @Nullable Long lessonSteps;

    @Option(names = "--finish", paramLabel = "LIST", converter = SegmentList.Converter.class,
            description = "Segments of the longer documents behind the last stage, such as 14,28 (default: none; reasoning "
                    + "10,14,20,28,40,56 and, 200 steps each at lower rates, 80,112, where --stages are not given).")
    private @Nullable SegmentList finish;

    @Option(names = "--finish-steps", defaultValue = "300", paramLabel = "N",
            description = "Steps of each --finish (default: ${DEFAULT-VALUE}).")
    private long finishSteps;

    @Option(names = "--finish-learning-rate", defaultValue = "3e-4", paramLabel = "X",
            description = "Highest learning rate of each --finish; it falls to a tenth (default: ${DEFAULT-VALUE}).")
    private double finishRate;

    @Option(names = "--finish-noise", paramLabel = "X", description = "--memory-noise of the finish (default: as before it).")
    private @Nullable Double finishNoise;

    @Option(names = "--recompute", description = "Compute segments again on the way back: the same bits, memory that does not grow "
            + "with the segments, a third more time.")
    private boolean recompute;

    @Option(names = "--save-every", paramLabel = "N",
            description = "Steps between checkpoints; 0 is at the end only (default: 500).")
    private @Nullable Long saveEvery;

    @Option(names = "--style", paramLabel = "bert|rotary",
            description = "Layers like BERT's, or with norms first and rotary positions (default: rotary).")
    private RmtShape.@Nullable Style style;

    @Option(names = "--width", paramLabel = "N", description = "Width of the model (default: 64).")
    private @Nullable Integer width;

    @Option(names = "--layers", paramLabel = "N", description = "Layers (default: 3).")
    private @Nullable Integer layers;

    @Option(names = "--heads", paramLabel = "N", description = "Heads of attention (default: 4).")
    private @Nullable Integer heads;

    @Option(names = "--feed-forward", paramLabel = "N", description = "Inner width of the feed-forward layers (default: 128).")
    private @Nullable Integer feedForward;

    @Option(names = "--initial-std", paramLabel = "X", description = "Deviation of the first weights (default: 0.1).")
    private @Nullable Double initialStd;

    @Option(names = "--dropout", paramLabel = "X", description = "Rate of dropout (default: 0).")
    private @Nullable Double dropout;

    @Option(names = "--memory", paramLabel = "N", description = "Memory vectors (default: 10).")
    private @Nullable Integer memory;

    @Option(names = "--input", paramLabel = "N",
            description = "Rows of a segment: the memory, three special tokens, the rest text (default: 64).")
    private @Nullable Integer input;

    @Option(names = "--alignment", paramLabel = "left|right|center",
            description = "Where a document that is no multiple of a segment is cut (default: right).")
    private @Nullable Alignment alignment;

    @Option(names = "--placement", paramLabel = "anywhere|segment-start",
            description = "Where facts stand, but for memorize (default: anywhere; reasoning segment-start).")
    private @Nullable String placement;

    /** The recipe with what was given on the command line. */
    Recipe over(Recipe recipe) {
        RmtShape s = recipe.shape();
        Curriculum c = recipe.curriculum();
        LessonPlan l = c.lessons();
        UpdateRule u = c.updates();
        StageEnd e = c.end();
        Finish f = c.finish();
        double rate = or(learningRate, u.learningRate());
        return new Recipe(
                new RmtShape(or(style, s.style()), s.vocabulary(), or(width, s.width()), or(heads, s.heads()), or(layers, s.layers()),
                        or(feedForward, s.feedForward()), or(initialStd, s.initialStd()), or(memory, s.memory()),
                        or(input, s.input()), or(alignment, s.alignment()), s.classes(), or(dropout, s.dropout()), s.special()),
                new Curriculum(stages == null ? c.stages() : stages.counts(), or(batch, c.batch()),
                        new UpdateRule(rate, or(endLearningRate, learningRate == null ? u.endLearningRate()
                                : rate * u.endLearningRate() / u.learningRate()), or(warmup, u.warmup()), or(decay, u.decay()),
                                or(clipValue, u.clipValue()), or(clipNorm, u.clipNorm()), or(weightDecay, u.weightDecay())),
                        new StageEnd(or(window, e.window()), or(threshold, e.threshold()), or(minSteps, e.minSteps()),
                                or(maxSteps, e.maxSteps()), or(consolidation, e.consolidation())),
                        or(earlier, c.earlier()), or(memoryNoise, c.memoryNoise()),
                        new LessonPlan(or(pace, l.pace()), l.shortest(), or(lessonSegments, l.segments()),
                                or(lessonNoise, l.memoryNoise()), or(lessonSteps, l.maxSteps())),
                        new Finish(finish == null ? stages == null ? f.stages() : List.of() : finish.counts().stream()
                                .map(n -> new Finish.Stage(n, finishSteps, finishRate)).toList(),
                                or(finishNoise, or(memoryNoise, f.memoryNoise()))),
                        recompute || c.recompute(), or(saveEvery, c.saveEvery()), c.seed()),
                placement == null ? recipe.anywhere() : isAnywhere(placement));
    }

    /** Whether a placement of that name is anywhere. */
    static boolean isAnywhere(String placement) {
        return switch (placement) {
            case "anywhere" -> true;
            case "segment-start" -> false;
            default -> throw new IllegalArgumentException("placement must be anywhere or segment-start: placement=" + placement);
        };
    }

    private static <T> T or(@Nullable T given, T otherwise) {
        return given == null ? otherwise : given;
    }
}
