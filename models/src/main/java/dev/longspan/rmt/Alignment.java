package dev.longspan.rmt;

/** Where a document that is no multiple of the segment is cut. */
public enum Alignment {
    /** From the start: the last segment is the short one. A stream of unknown length is cut so. */
    LEFT,
    /** From the end: the first segment is the short one. */
    RIGHT,
    /** Into segments of {@code ⌈n/k⌉} tokens, k as few as can be. */
    CENTER;

    /** Starts of the segments and behind them the end: segment i holds the tokens from bounds[i] to bounds[i + 1]. */
    long[] bounds(long tokens, long segment) {
        int count = Math.toIntExact(Math.ceilDiv(tokens, segment));
        long each = this == CENTER && count > 0 ? Math.ceilDiv(tokens, count) : segment;
        long[] bounds = new long[count + 1];
        for (int i = 0; i <= count; i++) {
            bounds[i] = this == RIGHT ? Math.max(0, tokens - (count - i) * each) : Math.min(tokens, i * each);
        }
        return bounds;
    }
}
