package dev.longspan.rmt;

/** A document that is read in pieces, as often as asked for, and need not be anywhere as a whole. */
public interface TokenSource {

    /** Number of tokens. */
    long length();

    /** Fills {@code into} with the tokens from position {@code from} on. */
    void read(long from, long[] into);

    /** The given ids. */
    static TokenSource of(long... ids) {
        long[] copy = ids.clone();
        return new TokenSource() {
            @Override
            public long length() {
                return copy.length;
            }

            @Override
            public void read(long from, long[] into) {
                System.arraycopy(copy, Math.toIntExact(from), into, 0, into.length);
            }
        };
    }
}
