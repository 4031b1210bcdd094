package dev.longspan.autograd;

/** Names the random numbers of a pass: the run's seed and the step. */
public record Randomness(long seed, long step) {

    public static final Randomness NONE = new Randomness(0, 0);
}
