package dev.longspan.kernel;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The order in which a recurrence takes the rows of a sequence, and where it forgets what came before. Step s takes row s,
 * or row {@code rows − 1 − s} when reversed.
 *
 * @param documents a step that enters a document forgets the state; none for one endless document
 * @param first position of row 0 among the documents
 * @param reversed from the last row to the first: the other half of a bidirectional scan
 */
public record ScanPlan(@Nullable Documents documents, long first, boolean reversed) {

    /** Steps between the states that a forward keeps for its backward. */
    public static final int BLOCK = 64;

    public ScanPlan {
        if (first < 0) {
            throw new IllegalArgumentException("first must not be negative: first=" + first);
        }
    }

    /** All rows in order, with one document. */
    public static ScanPlan forward() {
        return new ScanPlan(null, 0, false);
    }

    /** All rows in order, with documents; row 0 has position {@code first}. */
    public static ScanPlan forward(@Nullable Documents documents, long first) {
        return new ScanPlan(documents, first, false);
    }

    /** The same documents from the end. */
    public ScanPlan backwards() {
        return new ScanPlan(documents, first, !reversed);
    }

    /** The row that a step takes. */
    public long row(long step, long rows) {
        return reversed ? rows - 1 - step : step;
    }

    /** Kept states of a sequence: one before each {@link #BLOCK} steps. */
    public static long blocks(long rows) {
        return Math.ceilDiv(rows, BLOCK);
    }

    /** The steps, in increasing order, that forget the state before them, and {@code rows} behind the last. */
    public long[] resets(long batch, long rows) {
        long[] found = new long[4];
        int count = 0;
        if (documents != null && rows > 0) {
            long position = first;
            boolean enters = reversed || documents.start(batch, first) == first;
            while (position < first + rows) {
                // Forward the first step of a document enters it, reversed the last.
                long end = documents.end(batch, position);
                long step = reversed ? rows - (end - first) : position - first;
                if (enters && step >= 0) {
                    if (count + 1 == found.length) {
                        found = Arrays.copyOf(found, 2 * found.length);
                    }
                    found[count++] = step;
                }
                enters = true;
                position = end;
            }
        }
        if (reversed) {
            for (int i = 0; i < count / 2; i++) {
                long other = found[i];
                found[i] = found[count - 1 - i];
                found[count - 1 - i] = other;
            }
        }
        found[count] = rows;
        return Arrays.copyOf(found, count + 1);
    }
}
