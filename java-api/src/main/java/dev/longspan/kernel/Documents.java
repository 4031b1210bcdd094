package dev.longspan.kernel;

import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/** Where packed documents start: for each row of the batch (or one row for all) increasing positions, the first 0. */
public final class Documents {

    private final long[][] starts;

    private Documents(long[][] starts) {
        this.starts = starts;
    }

    public static Documents of(long[]... startsPerRow) {
        if (startsPerRow.length == 0) {
            throw new IllegalArgumentException("starts must have at least one row");
        }
        long[][] copy = new long[startsPerRow.length][];
        for (int b = 0; b < copy.length; b++) {
            copy[b] = startsPerRow[b].clone();
            if (copy[b].length == 0 || copy[b][0] != 0) {
                throw new IllegalArgumentException("the first document must start at 0: starts=" + Arrays.toString(copy[b]));
            }
            for (int i = 1; i < copy[b].length; i++) {
                if (copy[b][i] <= copy[b][i - 1]) {
                    throw new IllegalArgumentException("document starts must increase: starts=" + Arrays.toString(copy[b]));
                }
            }
        }
        return new Documents(copy);
    }

    /** Rows of the batch that it is given for; 1 serves all. */
    public int batch() {
        return starts.length;
    }

    /** All starts of a row of the batch. */
    public long[] starts(long batch) {
        return row(batch).clone();
    }

    /** Start of the document that holds a position. */
    public long start(long batch, long position) {
        long[] row = row(batch);
        return row[index(row, position)];
    }

    /** Start of the next document; Long.MAX_VALUE for the last one. */
    public long end(long batch, long position) {
        long[] row = row(batch);
        int i = index(row, position);
        return i + 1 < row.length ? row[i + 1] : Long.MAX_VALUE;
    }

    /** The same documents cut into pieces of {@code length} positions from each one's start, up to position {@code end}. */
    public Documents pieces(long length, long end) {
        if (length <= 0) {
            throw new IllegalArgumentException("length must be positive: length=" + length);
        }
        return new Documents(Arrays.stream(starts).map(row -> IntStream.range(0, row.length).boxed()
                .flatMapToLong(i -> LongStream.iterate(row[i], at -> at < (i + 1 < row.length ? row[i + 1] : end),
                        at -> at + length))
                .toArray()).toArray(long[][]::new));
    }

    private long[] row(long batch) {
        return starts.length == 1 ? starts[0] : starts[(int) batch];
    }

    private static int index(long[] row, long position) {
        int found = Arrays.binarySearch(row, position);
        return found >= 0 ? found : -found - 2;
    }
}
