package dev.longspan.recall;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What documents of one length brought.
 *
 * @param tokens of each document
 * @param answers of the model
 * @param control answers of the same model with its memory zeroed after every segment
 * @param seconds that reading took, making the documents included
 */
public record RecallRow(RecallTrial trial, long tokens, Tally answers, Tally control, double seconds) {

    /** Whether as many are right as must be. */
    public boolean isRecalled() {
        return answers.accuracy() >= trial.least();
    }

    /** Of all documents together. */
    public double tokensPerSecond() {
        return answers.asked() * tokens / seconds;
    }

    Map<String, Object> figures() {
        Map<String, Object> figures = new LinkedHashMap<>();
        figures.put("times", trial.times());
        figures.put("tokens", tokens);
        figures.put("documents", answers.asked());
        figures.put("right", answers.right());
        figures.put("accuracy", answers.accuracy());
        figures.put("low", answers.low());
        figures.put("high", answers.high());
        figures.put("least", trial.least());
        figures.put("control_documents", control.asked());
        figures.put("control_right", control.right());
        figures.put("control_accuracy", control.accuracy());
        figures.put("seconds", seconds);
        figures.put("tokens_per_s", tokensPerSecond());
        return figures;
    }
}
