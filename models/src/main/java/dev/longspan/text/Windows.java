package dev.longspan.text;

import dev.longspan.kernel.Philox;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * Random windows of the documents laid end to end, a separator before each: window s starts at Philox(seed, s) modulo the
 * number of places. A function of (seed, s) alone, so that a resumed run reads what a straight one would have read.
 */
public final class Windows {

    /** Keeps the places apart from dropout, whose streams are not negative. */
    private static final long STREAM = -1;

    private final List<Document> documents;
    private final long[] starts;
    private final long seed;

    public Windows(List<Document> documents, long seed) {
        this.documents = List.copyOf(documents);
        this.seed = seed;
        this.starts = new long[documents.size() + 1];
        for (int i = 0; i < documents.size(); i++) {
            starts[i + 1] = starts[i] + 1 + documents.get(i).text().length;
        }
    }

    /** Tokens of all documents, separators included. */
    public long tokens() {
        return starts[starts.length - 1];
    }

    /** Fills {@code window} with window number {@code number}. */
    public void read(long number, long[] window) {
        long places = tokens() - window.length + 1;
        if (places < 1) {
            throw new IllegalArgumentException("training text must be longer than the context: text=" + tokens()
                    + " tokens, window=" + window.length);
        }
        copy(Math.unsignedMultiplyHigh(Philox.bits(seed, STREAM, number), places), window);
    }

    /** Where the documents of a window's first {@code length} tokens start: at 0 and at every separator. */
    public static long[] starts(long[] window, int length) {
        return LongStream.concat(LongStream.of(0), IntStream.range(1, length).filter(i -> window[i] == Bytes.SEPARATOR).asLongStream())
                .toArray();
    }

    private void copy(long start, long[] window) {
        int found = java.util.Arrays.binarySearch(starts, start);
        int document = found >= 0 ? found : -found - 2;
        long at = start - starts[document];
        byte[] text = documents.get(document).text();
        for (int i = 0; i < window.length; i++, at++) {
            if (at > text.length) {
                text = documents.get(++document).text();
                at = 0;
            }
            window[i] = at == 0 ? Bytes.SEPARATOR : Byte.toUnsignedInt(text[(int) at - 1]);
        }
    }
}
