package dev.longspan.bench;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Two models at one context, forward and backward of one sequence in turns.
 *
 * @param seconds of each model, a number a turn
 * @param deviations of each model's gradients
 * @param bytes of each model's activations and gradients of activations
 */
public record ContextRow(long tokens, List<String> names, List<double[]> seconds, List<Deviation> deviations,
        List<Long> bytes) {

    /** Whether both answers were right. */
    public boolean isRight() {
        return deviations.stream().allMatch(Deviation::isWithin);
    }

    /** Tokens a second of model 0 or 1. */
    public double tokensPerSecond(int model) {
        return tokens / Median.of(seconds.get(model));
    }

    /** Tokens a second of the first model over the second's: the median over the turns. */
    public double ratio() {
        return Median.of(IntStream.range(0, seconds.getFirst().length)
                .mapToDouble(i -> seconds.get(1)[i] / seconds.get(0)[i]).toArray());
    }

    /** Every figure by name. */
    public Map<String, @Nullable Object> figures() {
        Map<String, @Nullable Object> figures = new LinkedHashMap<>();
        figures.put("tokens", tokens);
        for (int i = 0; i < names.size(); i++) {
            Map<String, @Nullable Object> one = new LinkedHashMap<>();
            if (deviations.get(i).isWithin()) {
                one.put("tokensPerSecond", tokensPerSecond(i));
            }
            one.put("bytes", bytes.get(i));
            one.put("error", deviations.get(i).error());
            one.put("bound", deviations.get(i).bound());
            figures.put(names.get(i), one);
        }
        figures.put("turns", seconds.getFirst().length);
        if (isRight()) {
            figures.put("ratio", ratio());
        }
        return figures;
    }
}
