package dev.longspan.kernel;

/**
 * A regular selection of rows: row t is {@code start + (t / run) · period + t % run}. A strided range has run 1 and the
 * stride as its period; a contiguous one has run = period = 1.
 */
public record Rows(long start, long run, long period, long count) {

    public static Rows range(long start, long count) {
        return new Rows(start, 1, 1, count);
    }

    public static Rows strided(long start, long stride, long count) {
        return new Rows(start, 1, stride, count);
    }

    /** Place of row t. */
    public long at(long t) {
        return run == 1 ? start + t * period : start + t / run * period + t % run;
    }

    /** How many rows lie before place {@code end}: rows 0 to that number (exclusive) are the ones. */
    public long countBefore(long end) {
        if (end <= start) {
            return 0;
        }
        long within = end - start;
        long whole = within / period;
        return Math.min(count, whole * run + Math.min(within % period, run));
    }
}
