package dev.longspan.task;

import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * A document with a story in it.
 *
 * @param document the facts in noise and the question at its end
 */
public record Sample(Haystack document, Story story) {

    /** The class to predict. */
    public int label() {
        return story.answer().label();
    }

    /** Positions of the facts' first tokens, in the order of the facts. */
    public List<Long> places() {
        return document.sentences().stream().limit(story.facts().size()).map(Haystack.Sentence::at).toList();
    }

    /** Facts with where they stand, question and answer, a line each. */
    public List<String> lines() {
        return Stream.concat(
                IntStream.range(0, story.facts().size()).mapToObj(i -> String.format(Locale.ROOT, "%s  [token %,d of %,d, %.1f %%]",
                        story.facts().get(i), places().get(i), document.length(), 100.0 * places().get(i) / document.length())),
                Stream.of(story.question() + "  [" + story.answer().word() + "]")).toList();
    }
}
