package dev.longspan.recall;

import dev.longspan.task.Answer;
import dev.longspan.task.Haystack;
import dev.longspan.task.Place;
import dev.longspan.task.Sample;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A document and what a model said to its question.
 *
 * @param answer the most probable place
 * @param probability of it
 */
public record RecallStory(Sample sample, Place answer, double probability) {

    /** The softmax of the logits decides. */
    static RecallStory of(Sample sample, double... logits) {
        List<Double> probabilities = Answer.softmax(logits);
        double most = Collections.max(probabilities);
        return new RecallStory(sample, Place.of(probabilities.indexOf(most)), most);
    }

    /** Whether the answer is the right one. */
    public boolean isRight() {
        return answer == sample.story().answer();
    }

    /** Tokens between the last fact and the question. */
    public long between() {
        List<Haystack.Sentence> sentences = sample.document().sentences();
        return sentences.getLast().at() - sentences.get(sentences.size() - 2).end();
    }

    Map<String, Object> figures() {
        Map<String, Object> figures = new LinkedHashMap<>();
        figures.put("fact", String.join(" ", sample.story().facts()));
        figures.put("between", between());
        figures.put("question", sample.story().question());
        figures.put("expected", sample.story().answer().word());
        figures.put("answer", answer.word());
        figures.put("probability", probability);
        return figures;
    }
}
