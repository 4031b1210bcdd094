package dev.longspan.bench;

/**
 * One long stream.
 *
 * @param tokens of the whole stream
 * @param piece tokens that are read at once
 */
public record StreamConfig(long tokens, int piece) {

    /** Pieces of a median. */
    static final int WINDOW = 12;

    private static final long EARLY_TOKENS = 8192;

    public StreamConfig {
        if (piece < 2 || tokens % piece != 0 || tokens < early(tokens, piece) + 2L * WINDOW * piece) {
            throw new IllegalArgumentException("piece must be at least 2, and tokens whole pieces, at least " + 2 * WINDOW
                    + " behind the first 8K: tokens=" + tokens + ", piece=" + piece);
        }
    }

    /** Tokens behind which time is compared with the end: 8K, or a quarter of a short stream. */
    long early() {
        return early(tokens, piece);
    }

    private static long early(long tokens, int piece) {
        return Math.ceilDiv(Math.min(EARLY_TOKENS, tokens / 4), (long) piece) * piece;
    }

    /** Tokens behind which memory is compared with the end: the first window is read too. */
    long settled() {
        return early() + (long) WINDOW * piece;
    }
}
