package dev.longspan.recall;

import dev.longspan.kernel.Philox;
import dev.longspan.recall.Examples.Example;
import dev.longspan.recall.UpdateRule.Decay;
import dev.longspan.rmt.Alignment;
import dev.longspan.rmt.SpecialTokens;
import dev.longspan.rmt.TokenSource;
import dev.longspan.task.MemoryTask;
import dev.longspan.task.Placement;
import dev.longspan.task.Vocabulary;
import java.util.List;
import java.util.stream.Stream;

/** A task that is learned in seconds: the first token of a document is its class, all others are noise. */
final class Lessons {

    static final int CLASSES = 2;
    static final Vocabulary WORDS = Vocabulary.of(Stream.of("some words of noise"), 128);

    private static final int FIRST_NOISE = 16;

    private Lessons() {
    }

    /** Segments of 7 tokens, a memory of 2, one layer of width 16. */
    static RmtShape shape() {
        SpecialTokens special = WORDS.special();
        return new RmtShape(RmtShape.Style.BERT, WORDS.size(), 16, 2, 1, 32, 0.1, 2, 12, Alignment.RIGHT, CLASSES, 0, special);
    }

    static Examples examples() {
        return (index, tokens, lesson) -> {
            int label = (int) (Philox.bits(11, 0, index) >>> 63);
            long[] ids = new long[Math.toIntExact(tokens)];
            for (int i = 0; i < ids.length; i++) {
                ids[i] = (long) FIRST_NOISE + Math.floorMod(Philox.bits(11, index + 1, i), WORDS.size() - FIRST_NOISE);
            }
            ids[0] = 4L + label;
            return new Example(TokenSource.of(ids), label);
        };
    }

    /** Stages of three steps. */
    static Curriculum brief(double memoryNoise, boolean recompute) {
        return brief(memoryNoise, LessonPlan.NONE, Finish.NONE, recompute);
    }

    /** The same behind lessons over two segments that are passed in six steps of right answers. */
    static Curriculum taught() {
        return brief(0, new LessonPlan(2, 3, 2, 0.1, 5), Finish.NONE, false);
    }

    /** The same before two stages of three steps. */
    static Curriculum finished() {
        Finish finish = new Finish(List.of(new Finish.Stage(4, 3, 1e-3), new Finish.Stage(6, 3, 1e-3)), 0.5);
        return brief(0, LessonPlan.NONE, finish, false);
    }

    private static Curriculum brief(double memoryNoise, LessonPlan lessons, Finish finish, boolean recompute) {
        return new Curriculum(List.of(1, 2, 3), 6, new UpdateRule(3e-3, 1e-3, 2, Decay.CONSOLIDATION, 5, 1, 1e-3),
                new StageEnd(2, 2, 0, 2, 1), 0.5, memoryNoise, lessons, finish, recompute, 0, 3);
    }

    /** Until both stages are learned. */
    static Curriculum whole() {
        return new Curriculum(List.of(1, 2), 32, new UpdateRule(3e-3, 3e-3, 10, Decay.NONE, 5, 0, 1e-3),
                new StageEnd(20, 0.98, 20, 1500, 0), 0.25, 0, LessonPlan.NONE, Finish.NONE, false, 0, 3);
    }

    static RmtFolder model(Curriculum curriculum) {
        return new RmtFolder(shape(), WORDS,
                new Origin(MemoryTask.MEMORIZE, Placement.ANYWHERE, "toy", "toy", "0", curriculum, 1));
    }
}
