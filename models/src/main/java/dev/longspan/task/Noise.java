package dev.longspan.task;

import dev.longspan.text.Corpus;
import dev.longspan.text.Document;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * Word ids of texts laid end to end, read from any place on and beyond their end from their start again. Immutable and usable
 * from any thread.
 */
public final class Noise {

    private static final int FEWEST_WORDS = 256;

    private final int[] ids;

    private Noise(int[] ids) {
        this.ids = ids;
    }

    /** The part of a corpus to train with. */
    public static Noise train(Corpus corpus, Vocabulary vocabulary) {
        return of(corpus, corpus.train(), vocabulary, "train");
    }

    /** The part of a corpus that training never sees. */
    public static Noise heldOut(Corpus corpus, Vocabulary vocabulary) {
        return of(corpus, corpus.heldOut(), vocabulary, "held-out");
    }

    private static Noise of(Corpus corpus, List<Document> documents, Vocabulary vocabulary, String part) {
        return of(Prose.of(corpus, documents), vocabulary, part + " part of " + corpus.origin());
    }

    /** The words of the texts; IllegalArgumentException with {@code origin} where they are fewer than 256. */
    public static Noise of(Stream<String> texts, Vocabulary vocabulary, String origin) {
        Growing growing = new Growing();
        texts.forEach(text -> Words.each(text, word -> growing.add(vocabulary.id(word))));
        if (growing.size < FEWEST_WORDS) {
            throw new IllegalArgumentException("noise must have at least " + FEWEST_WORDS + " words: words=" + growing.size
                    + ", data=" + origin);
        }
        return new Noise(Arrays.copyOf(growing.ids, growing.size));
    }

    /** Ids before one would come again because the texts are at their end. */
    public long words() {
        return ids.length;
    }

    /** Fills {@code into} from place {@code from} on, which may lie beyond the texts' end. */
    public void read(long from, long[] into) {
        if (from < 0) {
            throw new IllegalArgumentException("from must not be negative: from=" + from);
        }
        int at = (int) (from % ids.length);
        for (int i = 0; i < into.length; i++) {
            into[i] = ids[at];
            at = at + 1 == ids.length ? 0 : at + 1;
        }
    }

    private static final class Growing {
        private int[] ids = new int[1 << 16];
        private int size;

        void add(int id) {
            if (size == ids.length) {
                ids = Arrays.copyOf(ids, Math.addExact(size, size));
            }
            ids[size++] = id;
        }
    }
}
