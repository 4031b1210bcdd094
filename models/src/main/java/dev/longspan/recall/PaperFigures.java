package dev.longspan.recall;

import dev.longspan.task.MemoryTask;
import java.util.List;
import java.util.Optional;

/**
 * Accuracies of the paper in percent, read off figures 1 and 5 of arXiv 2304.11062 to within a percent; what the text of this
 * class does not have, the figures show no number or no point for.
 */
public final class PaperFigures {

    /** The last stage of the models of figure 1. */
    public static final int TRAINED = 7;

    private static final double CHANCE = 100.0 / 6;

    /** A stretch of figure 5: models of these numbers of segments trained on, at these numbers of segments evaluated. */
    private record Stretch(MemoryTask task, int trainedFrom, int trainedTo, int from, int to, double percent) {
        boolean holds(MemoryTask of, int trained, int segments) {
            return task == of && trained >= trainedFrom && trained <= trainedTo && segments >= from && segments <= to;
        }
    }

    private static final List<Stretch> FIGURE_5 = List.of(
            new Stretch(MemoryTask.MEMORIZE, 1, 1, 2, 15, CHANCE),
            new Stretch(MemoryTask.MEMORIZE, 2, 2, 4, 4, 90), new Stretch(MemoryTask.MEMORIZE, 2, 2, 7, 7, 50),
            new Stretch(MemoryTask.MEMORIZE, 2, 2, 15, 15, 20),
            new Stretch(MemoryTask.MEMORIZE, 3, 5, 1, 5, 100), new Stretch(MemoryTask.MEMORIZE, 3, 5, 15, 15, 62),
            new Stretch(MemoryTask.MEMORIZE, 6, 7, 1, 15, 100),
            new Stretch(MemoryTask.DETECT, 2, 2, 6, 6, 80), new Stretch(MemoryTask.DETECT, 2, 2, 15, 15, 28),
            new Stretch(MemoryTask.DETECT, 3, 7, 1, 15, 100),
            new Stretch(MemoryTask.REASONING, 5, 7, 1, 1, 52), new Stretch(MemoryTask.REASONING, 5, 7, 2, 7, 100),
            new Stretch(MemoryTask.REASONING, 5, 5, 15, 15, 85), new Stretch(MemoryTask.REASONING, 6, 7, 15, 15, 92));

    private record Point(int segments, double memorize, double detect, double reasoning) {
    }

    private static final List<Point> FIGURE_1 = List.of(new Point(64, 98, 99, 89), new Point(128, 96, 99, 87.5),
            new Point(256, 95, 98.5, 87.5), new Point(512, 93, 98.5, 85), new Point(1024, 92.5, 97, 84),
            new Point(2048, 90.5, 97, 83.5), new Point(4096, 90.5, 96, 82));

    private PaperFigures() {
    }

    /** Figure 5: trained on 1 to {@code trained} segments, evaluated on {@code segments}. */
    public static Optional<Double> figure5(MemoryTask task, int trained, int segments) {
        return FIGURE_5.stream().filter(s -> s.holds(task, trained, segments)).map(Stretch::percent).findFirst();
    }

    /** Figure 1: trained on 1 to 7 segments, evaluated on {@code segments}. */
    public static Optional<Double> figure1(MemoryTask task, int segments) {
        return FIGURE_1.stream().filter(p -> p.segments == segments).map(p -> switch (task) {
            case MEMORIZE -> p.memorize;
            case DETECT -> p.detect;
            case REASONING -> p.reasoning;
        }).findFirst();
    }
}
