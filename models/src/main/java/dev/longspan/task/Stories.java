package dev.longspan.task;

import java.util.ArrayList;
import java.util.List;

/**
 * As many documents of a task as anyone asks for: number {@code index} of {@code tokens} tokens is a function of task, seed, index
 * and tokens (and of noise and placement), so that a resumed run draws what a straight one would have drawn. Immutable and usable
 * from any thread.
 *
 * @param placement of facts; those of {@link MemoryTask#MEMORIZE} stand at the start whatever it is
 */
public record Stories(MemoryTask task, Vocabulary vocabulary, Noise noise, Placement placement, long seed) {

    private static final int TOKEN_BITS = 50;

    /** The document of that number and length of the whole task. */
    public Sample draw(long index, long tokens) {
        return draw(index, tokens, Lesson.WHOLE);
    }

    /** The document of that number and length; IllegalArgumentException where it has no room for facts and question. */
    public Sample draw(long index, long tokens, Lesson lesson) {
        if (index < 0 || tokens < 0 || tokens >= 1L << TOKEN_BITS) {
            throw new IllegalArgumentException("index must not be negative and tokens be below 2^" + TOKEN_BITS + ": index=" + index
                    + ", tokens=" + tokens);
        }
        Draws draws = new Draws(seed, index, task.number(), tokens);
        Story story = task.story(draws, lesson);
        List<long[]> facts = story.facts().stream().map(vocabulary::encode).toList();
        long[] question = vocabulary.encode(story.question());
        long free = Haystack.free(tokens, facts, question);
        long offset = draws.below(noise.words());
        long[] lengths = facts.stream().mapToLong(fact -> fact.length).toArray();
        long[] starts = task == MemoryTask.MEMORIZE || lesson.toldFirst() ? Placement.first(lengths)
                : placement.starts(draws, lengths, tokens, free);
        List<Haystack.Sentence> sentences = new ArrayList<>();
        for (int i = 0; i < starts.length; i++) {
            sentences.add(new Haystack.Sentence(starts[i], facts.get(i)));
        }
        sentences.add(new Haystack.Sentence(tokens - question.length, question));
        return new Sample(new Haystack(noise, offset, tokens, sentences), story);
    }
}
