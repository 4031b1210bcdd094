package dev.longspan.recall;

import dev.longspan.task.Haystack;
import dev.longspan.task.Place;
import dev.longspan.task.Sample;
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
        int largest = 0;
        for (int c = 1; c < logits.length; c++) {
            largest = logits[c] > logits[largest] ? c : largest;
        }
        double sum = 0;
        for (double logit : logits) {
            sum += Math.exp(logit - logits[largest]);
        }
        return new RecallStory(sample, Place.of(largest), 1 / sum);
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
