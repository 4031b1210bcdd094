package dev.longspan.bench;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A measured and checked step.
 *
 * @param seconds median over the repetitions
 * @param bytes native memory of inputs, outputs and gradients
 */
public record Timing(double seconds, int repetitions, long bytes, Deviation deviation) {

    /** Whether the answer was right; otherwise the time is not to be shown. */
    public boolean isRight() {
        return deviation.isWithin();
    }

    /** Microseconds per token. */
    public double microsPerToken(long tokens) {
        return seconds * 1e6 / tokens;
    }

    /** Every figure by name; the time only where the answer was right. */
    Map<String, Object> figures(long tokens) {
        Map<String, Object> figures = new LinkedHashMap<>();
        if (isRight()) {
            figures.put("microsPerToken", microsPerToken(tokens));
        }
        figures.put("repetitions", repetitions);
        figures.put("bytes", bytes);
        figures.put("error", deviation.error());
        figures.put("bound", deviation.bound());
        return figures;
    }
}
