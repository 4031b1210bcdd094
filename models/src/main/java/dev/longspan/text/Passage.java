package dev.longspan.text;

import java.util.ArrayList;
import java.util.List;

/**
 * A stretch of a held-out document to predict byte by byte, each exactly once: byte i is predicted from the separator or
 * byte before the stretch and the bytes {@code from} to {@code i - 1}.
 */
public record Passage(Document document, int from, int to) {

    public Passage {
        if (from < 0 || to <= from || to > document.text().length) {
            throw new IllegalArgumentException("passage must lie within its document: from=" + from + ", to=" + to
                    + ", document=" + document.text().length + " bytes");
        }
    }

    /** Every document cut into stretches of at most {@code length} bytes. */
    public static List<Passage> all(List<Document> documents, int length) {
        List<Passage> passages = new ArrayList<>();
        for (Document document : documents) {
            for (int from = 0; from < document.text().length; from += length) {
                passages.add(new Passage(document, from, Math.min(document.text().length, from + length)));
            }
        }
        return passages;
    }

    /** At least one and otherwise up to about {@code bytes} of the passages, spread evenly over all of them. */
    public static List<Passage> sample(List<Passage> passages, long bytes) {
        long total = passages.stream().mapToLong(Passage::length).sum();
        if (total <= bytes) {
            return passages;
        }
        List<Passage> chosen = new ArrayList<>();
        long seen = 0;
        long taken = 0;
        for (Passage passage : passages) {
            // Whenever the part taken falls behind the share that should have been taken by now.
            if (taken * (double) total <= seen * (double) bytes) {
                chosen.add(passage);
                taken += passage.length();
            }
            seen += passage.length();
        }
        return chosen;
    }

    public int length() {
        return to - from;
    }

    /** The token before the stretch and all of it but the last: what the model reads. */
    public long[] inputs() {
        long[] ids = new long[length()];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = from + i == 0 ? Bytes.SEPARATOR : Byte.toUnsignedInt(document.text()[from + i - 1]);
        }
        return ids;
    }

    /** What the model predicts. */
    public long[] targets() {
        long[] ids = new long[length()];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = Byte.toUnsignedInt(document.text()[from + i]);
        }
        return ids;
    }
}
