package dev.longspan.bench;

/**
 * Time per token at a long context relative to a short one, measured in turns within one run.
 *
 * @param ratio median over the turns
 */
public record Flatness(long shortTokens, long longTokens, double ratio) {

    /** What the ratio must not exceed. */
    public static final double BOUND = 1.10;

    /** Whether time per token stays the same. */
    public boolean isWithin() {
        return ratio <= BOUND;
    }
}
