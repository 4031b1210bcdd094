package dev.longspan.bench;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * How fast one use of a model is.
 *
 * @param tokens of one run
 * @param flops counted for one run
 * @param seconds of one run, the median
 */
public record Rate(String what, long tokens, double flops, double seconds, Deviation deviation) {

    /** Tokens a second. */
    public double tokensPerSecond() {
        return tokens / seconds;
    }

    /** The share of a machine's peak that the counted operations reach. */
    public double shareOf(Peak peak) {
        return flops / seconds / peak.flopsPerSecond();
    }

    /** Every figure by name; those of time only where the answer was right. */
    Map<String, Object> figures(Peak peak) {
        Map<String, Object> figures = new LinkedHashMap<>();
        figures.put("what", what);
        figures.put("flopPerToken", flops / tokens);
        if (deviation.isWithin()) {
            figures.put("tokensPerSecond", tokensPerSecond());
            figures.put("gflopPerSecond", flops / seconds * 1e-9);
            figures.put("shareOfPeak", shareOf(peak));
        }
        figures.put("error", deviation.error());
        figures.put("bound", deviation.bound());
        return figures;
    }
}
