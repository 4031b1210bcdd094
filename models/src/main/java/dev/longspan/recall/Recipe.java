package dev.longspan.recall;

import dev.longspan.rmt.Alignment;
import dev.longspan.task.MemoryTask;
import dev.longspan.task.Place;
import dev.longspan.task.Placement;
import dev.longspan.task.Vocabulary;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * How a task is trained: what {@code make train-rmt} repeats.
 *
 * @param anywhere whether facts stand at any place instead of the start of a segment
 */
public record Recipe(RmtShape shape, Curriculum curriculum, boolean anywhere) {

    /** Over so many segments 3e-4 unlearns. */
    private static final List<Finish.Stage> LONGEST = List.of(new Finish.Stage(80, 200, 1e-4), new Finish.Stage(112, 200, 6e-5));
    private static final List<Finish.Stage> LONGER = Stream.concat(IntStream.of(10, 14, 20, 28, 40, 56)
            .mapToObj(n -> new Finish.Stage(n, 300, 3e-4)), LONGEST.stream()).toList();

    /**
     * The paper's seven stages, batch and clipping, and what small models need besides: norms first and rotary positions, a
     * norm that gradients are clipped to, noise on the memory, and for reasoning facts at the start of segments as in the
     * released code, lessons in front and longer documents behind.
     */
    public static Recipe paper(MemoryTask task, Vocabulary vocabulary, long seed) {
        boolean relations = task == MemoryTask.REASONING;
        double noise = relations ? 0.3 : 0.5;
        RmtShape shape = new RmtShape(RmtShape.Style.ROTARY, vocabulary.size(), 64, 4, 3, 128, 0.1, 10, 64, Alignment.RIGHT,
                Place.values().length, 0, vocabulary.special());
        Curriculum curriculum = new Curriculum(IntStream.rangeClosed(1, PaperFigures.TRAINED).boxed().toList(), 32,
                new UpdateRule(1e-3, 1e-4, 50, UpdateRule.Decay.CONSOLIDATION, 5, 1, 1e-3),
                new StageEnd(50, 0.995, 100, 1200, task == MemoryTask.DETECT ? 600 : 200), 0.5, noise,
                new LessonPlan(relations ? 100 : 0, task.mostTokens(), 2, 0.1, 10_000),
                new Finish(relations ? LONGER : List.of(), noise), false, 500, seed);
        return new Recipe(shape, curriculum, !relations);
    }

    /** Where facts stand. */
    public Placement placement() {
        return anywhere ? Placement.ANYWHERE : Placement.segmentStart(shape.segment());
    }
}
