package dev.longspan.recall;

import dev.longspan.task.MemoryTask;
import dev.longspan.task.Place;
import dev.longspan.task.Placement;
import dev.longspan.task.Vocabulary;

/**
 * How a task is trained: what {@code make train-rmt} repeats.
 *
 * @param anywhere whether facts stand at any place instead of the start of a segment
 */
public record Recipe(RmtShape shape, Curriculum curriculum, boolean anywhere) {

    /** The paper's seven stages and batch, and its task's placement of facts, with a learning rate for small models. */
    public static Recipe paper(MemoryTask task, Vocabulary vocabulary, long seed) {
        return new Recipe(RmtShape.small(vocabulary.size(), vocabulary.special(), Place.values().length),
                Curriculum.to(PaperFigures.TRAINED, 3000, seed), true);
    }

    /** Where facts stand. */
    public Placement placement() {
        return anywhere ? Placement.ANYWHERE : Placement.segmentStart(shape.segment());
    }
}
