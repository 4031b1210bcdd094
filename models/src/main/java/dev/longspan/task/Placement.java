package dev.longspan.task;

import java.util.Arrays;

/**
 * Where the facts of a document may stand.
 *
 * @param segment S: at the start of a random one of the segments of S tokens that a document is cut into from its end, as in the
 *     released code; 0 for any place, each as likely as any other
 */
public record Placement(long segment) {

    /** Every way to place the facts without overlap is equally likely. */
    public static final Placement ANYWHERE = new Placement(0);

    public Placement {
        if (segment < 0) {
            throw new IllegalArgumentException("segment must not be negative: segment=" + segment);
        }
    }

    /** At the start of segments of S tokens, the first of which is the short one; facts of one segment stand in a row. */
    public static Placement segmentStart(long segment) {
        if (segment == 0) {
            throw new IllegalArgumentException("segment must be positive: segment=0");
        }
        return new Placement(segment);
    }

    /** Starts of facts of these lengths that stand in a row from the document's start on. */
    static long[] first(long... lengths) {
        long[] starts = new long[lengths.length];
        for (int i = 1; i < starts.length; i++) {
            starts[i] = starts[i - 1] + lengths[i - 1];
        }
        return starts;
    }

    /** Starts of facts of these lengths in a document of {@code tokens}, {@code free} of which are neither facts nor question. */
    long[] starts(Draws draws, long[] lengths, long tokens, long free) {
        long[] starts = new long[lengths.length];
        for (int i = 0; i < starts.length; i++) {
            starts[i] = segment == 0 ? other(draws.below(free + lengths.length - i), starts, i)
                    : Math.max(0, tokens - (Math.ceilDiv(tokens, segment) - draws.below(segments(tokens, free))) * segment);
            Arrays.sort(starts, 0, i + 1);
        }
        long behind = 0;
        for (int i = 0; i < starts.length; i++) {
            // Of k places among the free tokens and the facts, each one token, the i-th has i facts before it.
            starts[i] = segment == 0 ? starts[i] - i + behind(lengths, i) : Math.max(starts[i], behind);
            behind = starts[i] + lengths[i];
        }
        return starts;
    }

    /** Segments that start early enough for all facts to stand one behind the other before the question. */
    private long segments(long tokens, long free) {
        long count = Math.ceilDiv(tokens, segment);
        return Math.max(1, count - Math.ceilDiv(tokens - free, segment) + 1);
    }

    /** The n-th number that is not among the first {@code count}, which are in order. */
    private static long other(long n, long[] taken, int count) {
        long number = n;
        for (int i = 0; i < count; i++) {
            number += taken[i] <= number ? 1 : 0;
        }
        return number;
    }

    private static long behind(long[] lengths, int count) {
        return Arrays.stream(lengths, 0, count).sum();
    }
}
