package dev.longspan.bench;

/** One sequence of attention: N tokens, H heads of D dimensions, with or without its backward. */
public record AttentionShape(long tokens, int heads, int dim, boolean backward) {

    public AttentionShape {
        if (tokens < 1 || heads < 1 || dim < 1) {
            throw new IllegalArgumentException("tokens, heads and dim must be positive: tokens=" + tokens + ", heads="
                    + heads + ", dim=" + dim);
        }
    }
}
