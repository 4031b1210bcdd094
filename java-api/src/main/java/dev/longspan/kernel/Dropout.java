package dev.longspan.kernel;

/**
 * Which elements are dropped, decided by a counter alone: {@link Philox} of (seed, stream, element number). A repeated
 * forward, a resumed run and any split of the work drop the same ones.
 *
 * @param rate share of elements set to zero, in [0, 1)
 * @param seed the run's seed
 * @param stream names the layer and step
 */
public record Dropout(double rate, long seed, long stream) {

    public Dropout {
        if (!(rate >= 0 && rate < 1)) {
            throw new IllegalArgumentException("dropout rate must be in [0, 1): rate=" + rate);
        }
    }

    /** 0 for a dropped element, otherwise {@code 1 / (1 − rate)}. */
    public double factor(long element) {
        return Philox.uniform(seed, stream, element) < rate ? 0 : 1 / (1 - rate);
    }

    /** As {@link #factor(long)} for the probability of one key row under one query row. */
    public double factor(long batchHead, long queryRow, long keyRow) {
        return Philox.uniform(seed ^ batchHead * 0x9E3779B97F4A7C15L, stream ^ queryRow * 0xD1B54A32D192ED03L, keyRow) < rate
                ? 0 : 1 / (1 - rate);
    }
}
