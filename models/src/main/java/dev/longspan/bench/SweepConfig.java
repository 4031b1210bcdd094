package dev.longspan.bench;

import java.util.ArrayList;
import java.util.List;

/**
 * What a sweep measures.
 *
 * @param first shortest context; the others double it
 * @param last longest context
 * @param limitSeconds no step is started that is expected to take longer
 * @param cellSeconds how long a measurement is repeated
 */
public record SweepConfig(long first, long last, int heads, int dim, boolean backward, double limitSeconds,
        double cellSeconds) {

    public SweepConfig {
        if (first < 1 || last < first) {
            throw new IllegalArgumentException("contexts must be positive and grow: from=" + first + ", to=" + last);
        }
        if (heads < 1 || dim < 1) {
            throw new IllegalArgumentException("heads and dim must be positive: heads=" + heads + ", dim=" + dim);
        }
        if (!(limitSeconds > 0)) {
            throw new IllegalArgumentException("limit must be positive: limit=" + limitSeconds);
        }
    }

    /** 2K to 1M tokens forward, 2 heads of 64: about 45 s on two cores of 100 GFLOP/s each. */
    public static SweepConfig standard() {
        return new SweepConfig(2048, 1 << 20, 2, 64, false, 10, 1.2);
    }

    /** The contexts from first to last by powers of two. */
    public List<Long> contexts() {
        List<Long> contexts = new ArrayList<>();
        for (long n = first; n <= last; n *= 2) {
            contexts.add(n);
        }
        return contexts;
    }

    AttentionShape shape(long tokens) {
        return new AttentionShape(tokens, heads, dim, backward);
    }
}
