package dev.longspan.kernel;

/**
 * {@code N(0, std²)} for each element, decided by a counter alone: {@link Philox} of (seed, stream, element number), as with
 * {@link Dropout}.
 *
 * @param std standard deviation, positive
 * @param seed the run's seed
 * @param stream names the place and step
 */
public record GaussianNoise(double std, long seed, long stream) {

    public GaussianNoise {
        if (!(std > 0 && Double.isFinite(std))) {
            throw new IllegalArgumentException("noise deviation must be finite and positive: std=" + std);
        }
    }

    /** The noise of an element. */
    public double at(long element) {
        return std * Philox.normal(seed, stream, element);
    }
}
