package dev.longspan.recall;

import dev.longspan.rmt.TokenSource;
import dev.longspan.task.Lesson;
import dev.longspan.task.Sample;
import dev.longspan.task.Stories;

/** Labelled documents, as many as asked for; an example depends on nothing but its number and length. */
@FunctionalInterface
public interface Examples {

    /** Example {@code index}, of exactly {@code tokens} tokens. */
    Example draw(long index, long tokens, Lesson lesson);

    /** Stories of a task. */
    static Examples of(Stories stories) {
        return (index, tokens, lesson) -> {
            Sample sample = stories.draw(index, tokens, lesson);
            return new Example(sample.document(), sample.label());
        };
    }

    /** A document and its class. */
    record Example(TokenSource document, int label) {
    }
}
