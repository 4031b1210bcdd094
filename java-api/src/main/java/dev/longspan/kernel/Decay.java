package dev.longspan.kernel;

/**
 * A decay of scores with distance, such as xPos has, kept finite at any length: q and k carry
 * {@code ζ^{±(p mod epoch)/base}} only, relative to the start of their own epoch, and attention multiplies by
 * {@code ζ^{(e_q − e_k)·epoch/base}} for each pair of epochs e = ⌊p/epoch⌋.
 *
 * @param epoch positions that share an origin
 * @param log2PerEpoch for each of the D dimensions, {@code log₂ ζ · epoch / base}, not above 0
 */
public record Decay(long epoch, double[] log2PerEpoch) {

    /** Factor of dimension d between a query {@code epochs} epochs behind the key. */
    public double factor(int d, long epochs) {
        return epochs == 0 ? 1 : Math.pow(2, log2PerEpoch[d] * epochs);
    }
}
