package dev.longspan.kernel;

import org.jspecify.annotations.Nullable;

/**
 * Rotary positions: pair m is rotated by {@code p · baseᐨᵐᐟ⁽ᴰᐟ²⁾}, angles in double, and with {@code scaleBase > 0} has the
 * xPos scale {@code ζₘ^{sign · (p − origin) / scaleBase}}, {@code ζₘ = (2m + 0.4 D) / (1.4 D)}.
 * Su et al., arXiv 2104.09864; Sun et al., arXiv 2212.10554.
 *
 * @param headDim D, even
 * @param base 10000 as a rule
 * @param period positions are taken modulo this; 0 for none
 * @param scaleBase 512 for xPos, 0 for plain rotary positions
 * @param sign +1 for queries, −1 for keys
 * @param epoch the scale's origin is the start of the position's own epoch of this length ({@link Decay} makes up for
 *     it); 0 for the fixed origin {@code origin}
 * @param origin fixed origin of the scale
 * @param pairs which elements turn together
 */
public record Rotary(int headDim, double base, long period, double scaleBase, int sign, long epoch, long origin,
        Pairs pairs) {

    /** Which elements are pair m of a head; weights trained with one choice need it ever after. */
    public enum Pairs {
        /** {@code (x₂ₘ, x₂ₘ₊₁)}: the papers, torchscale, MEGALODON, Llama's own code. */
        NEIGHBOURS,
        /** {@code (xₘ, xₘ₊D/2)}: GPT-NeoX, and Llama's weights as Hugging Face reorders them. */
        HALVES
    }

    /** Within it xPos scales stay between 2⁻³⁰ and 2³⁰ ({@code 0.2857^(8192/512)}). */
    public static final long XPOS_EPOCH = 8192;

    public Rotary {
        if (headDim <= 0 || headDim % 2 != 0) {
            throw new IllegalArgumentException("headDim must be even and positive: headDim=" + headDim);
        }
    }

    /** On neighbours. */
    public Rotary(int headDim, double base, long period, double scaleBase, int sign, long epoch, long origin) {
        this(headDim, base, period, scaleBase, sign, epoch, origin, Pairs.NEIGHBOURS);
    }

    /** Plain rotary positions, modulo {@code period} unless that is 0. */
    public static Rotary rope(int headDim, double base, long period) {
        return new Rotary(headDim, base, period, 0, 1, 0, 0);
    }

    /** xPos of queries or keys with scales relative to epochs: attention needs {@link #decay()}. */
    public static Rotary xpos(int headDim, double scaleBase, int sign) {
        return new Rotary(headDim, 10000, 0, scaleBase, sign, XPOS_EPOCH, 0);
    }

    public Rotary withPairs(Pairs elements) {
        return new Rotary(headDim, base, period, scaleBase, sign, epoch, origin, elements);
    }

    /** For the keys of the queries that these positions are for, or the other way round: scales are inverse. */
    public Rotary opposite() {
        return new Rotary(headDim, base, period, scaleBase, -sign, epoch, origin, pairs);
    }

    /** Place of the first element of pair m in a head; the second is {@link #apart()} further. */
    public int first(int m) {
        return pairs == Pairs.HALVES ? m : 2 * m;
    }

    /** Places between the two elements of a pair. */
    public int apart() {
        return pairs == Pairs.HALVES ? headDim / 2 : 1;
    }

    /** What attention must still apply between epochs; none without scale. */
    public @Nullable Decay decay() {
        if (scaleBase == 0 || epoch == 0) {
            return null;
        }
        double[] log2 = new double[headDim];
        for (int m = 0; m < headDim / 2; m++) {
            double both = log2Zeta(m) * epoch / scaleBase;
            log2[first(m)] = both;
            log2[first(m) + apart()] = both;
        }
        return new Decay(epoch, log2);
    }

    /** Angle per position of pair m. */
    public double frequency(int m) {
        return Math.pow(base, -m / (headDim / 2.0));
    }

    /** Scale of pair m at a position. */
    public double scale(int m, long position) {
        if (scaleBase == 0) {
            return 1;
        }
        long from = epoch > 0 ? position / epoch * epoch : origin;
        return Math.pow(2, sign * log2Zeta(m) * (position - from) / scaleBase);
    }

    /** Position that the angle is taken at. */
    public long anglePosition(long position) {
        return period > 0 ? position % period : position;
    }

    private double log2Zeta(int m) {
        return Math.log((2 * m + 0.4 * headDim) / (1.4 * headDim)) / Math.log(2);
    }
}
