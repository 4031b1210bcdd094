package dev.longspan.generate;

import dev.longspan.kernel.Philox;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * How the next token is drawn: from {@code softmax(logits / temperature)} restricted to the {@code topK} likeliest tokens
 * and to the fewest that together reach {@code topP}. The draw is a function of (seed, position) alone.
 *
 * @param temperature 0 takes the likeliest token
 * @param topK 0 is off
 * @param topP 1 is off. Holtzman et al., arXiv 1904.09751
 */
public record Sampling(double temperature, int topK, double topP, long seed) {

    /** Keeps the draws apart from training windows (-1) and dropout (not negative). */
    private static final long STREAM = -2;

    public Sampling {
        if (!(temperature >= 0 && Double.isFinite(temperature))) {
            throw new IllegalArgumentException("temperature must be finite and not negative: temperature=" + temperature);
        }
        if (topK < 0) {
            throw new IllegalArgumentException("topK must not be negative: topK=" + topK);
        }
        if (!(topP > 0 && topP <= 1)) {
            throw new IllegalArgumentException("topP must be in (0, 1]: topP=" + topP);
        }
    }

    /** The likeliest token, always. */
    public static Sampling greedy() {
        return new Sampling(0, 0, 1, 0);
    }

    /** The token at {@code position}; of equal logits the lower id is the likelier. */
    public int draw(float[] logits, long position) {
        for (float logit : logits) {
            if (Float.isNaN(logit) || logit == Float.POSITIVE_INFINITY) {
                throw new IllegalArgumentException("logits must not be NaN or +infinity: logit=" + logit);
            }
        }
        int[] order = IntStream.range(0, logits.length).boxed()
                .sorted(Comparator.comparingDouble((Integer i) -> -logits[i])).mapToInt(Integer::intValue).toArray();
        if (temperature == 0) {
            return order[0];
        }
        int count = topK == 0 ? order.length : Math.min(topK, order.length);
        double[] weights = new double[count];
        for (int i = 0; i < count; i++) {
            weights[i] = Math.exp((logits[order[i]] - logits[order[0]]) / temperature);
        }
        return order[pick(weights, Arrays.stream(weights).sum(), position)];
    }

    private int pick(double[] weights, double total, long position) {
        int kept = 0;
        double mass = 0;
        while (kept < weights.length && (kept == 0 || mass < topP * total)) {
            mass += weights[kept++];
        }
        double point = (Philox.bits(seed, STREAM, position) >>> 11) * 0x1p-53 * mass;
        int at = 0;
        while (at < kept - 1 && point >= weights[at]) {
            point -= weights[at++];
        }
        return at;
    }
}
