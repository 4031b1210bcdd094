package dev.longspan.task;

import dev.longspan.train.NonFiniteException;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * What a model says to a question.
 *
 * @param probabilities of the places, by their labels
 * @param segments that the document was read in
 * @param seconds that reading took
 */
public record Answer(List<Double> probabilities, int segments, long tokens, double seconds) {

    public Answer {
        probabilities = List.copyOf(probabilities);
        if (probabilities.size() != Place.values().length) {
            throw new IllegalArgumentException("a model must choose among the " + Place.values().length + " places: classes="
                    + probabilities.size());
        }
    }

    /** Probabilities of classes with these logits; NonFiniteException where one is not finite. */
    public static List<Double> softmax(double... logits) {
        double largest = Arrays.stream(logits).max().orElseThrow();
        if (!Double.isFinite(Arrays.stream(logits).sum())) {
            throw new NonFiniteException("what the model says at the document's end");
        }
        double sum = Arrays.stream(logits).map(logit -> Math.exp(logit - largest)).sum();
        return Arrays.stream(logits).mapToObj(logit -> Math.exp(logit - largest) / sum).toList();
    }

    /** How likely it is that place. */
    public double probability(Place place) {
        return probabilities.get(place.label());
    }

    /** The places, the likeliest first. */
    public List<Place> ranking() {
        return Stream.of(Place.values()).sorted(Comparator.comparingDouble(this::probability).reversed()).toList();
    }

    public double tokensPerSecond() {
        return tokens / seconds;
    }
}
