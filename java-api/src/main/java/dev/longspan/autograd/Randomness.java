package dev.longspan.autograd;

/** Names the random numbers of a pass: the run's seed and the step, in [0, 2^32). */
public record Randomness(long seed, long step) {

    public static final Randomness NONE = new Randomness(0, 0);

    private static final int PLACE_BITS = 20;

    public Randomness {
        if (step >>> 32 != 0) {
            throw new IllegalArgumentException("step must be in [0, 2^32): step=" + step);
        }
    }

    /** One of its own for each step and place, of places below 2^32: their upper 12 bits go above the step. */
    long stream(long place) {
        long lower = (1L << PLACE_BITS) - 1;
        return place >>> PLACE_BITS << 32 + PLACE_BITS | step << PLACE_BITS | place & lower;
    }
}
