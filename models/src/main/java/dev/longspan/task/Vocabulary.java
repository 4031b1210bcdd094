package dev.longspan.task;

import dev.longspan.checkpoint.ModelFormatException;
import dev.longspan.rmt.SpecialTokens;
import dev.longspan.text.Corpus;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Whole words as token ids: [PAD], [CLS], [SEP], [UNK], then the tasks' own words, then others by how frequent they are.
 * Immutable and usable from any thread.
 */
public final class Vocabulary {

    /** What a small model has room for. */
    public static final int SIZE = 2_048;

    /** The file of a model folder: a word a line, as BERT's. */
    public static final String FILE = "vocab.txt";

    private static final List<String> SPECIAL = List.of("[PAD]", "[CLS]", "[SEP]", "[UNK]");
    private static final SpecialTokens TOKENS = new SpecialTokens(0, 1, 2);
    private static final int UNKNOWN = 3;
    private static final long MOST_BYTES = 16L << 20;
    private static final String NO_SPACE_BEFORE = ".,;:?!)";

    private final List<String> words;
    private final Map<String, Integer> ids = new HashMap<>();

    private Vocabulary(List<String> words) {
        this.words = List.copyOf(words);
        for (int id = SPECIAL.size(); id < words.size(); id++) {
            ids.put(words.get(id), id);
        }
    }

    /** The most frequent words of the corpus' training part, so many that there are {@code size} at most. */
    public static Vocabulary of(Corpus corpus, int size) {
        return of(Prose.of(corpus, corpus.train()), size);
    }

    /** The most frequent words of the texts, equally frequent ones by the alphabet, so many that there are {@code size} at most. */
    public static Vocabulary of(Stream<String> texts, int size) {
        Set<String> words = new LinkedHashSet<>(SPECIAL);
        words.addAll(MemoryTask.words());
        if (size < words.size()) {
            throw new IllegalArgumentException("size must have room for the tasks' own words: size=" + size + ", words="
                    + words.size());
        }
        Map<String, Integer> counts = new HashMap<>();
        texts.forEach(text -> Words.each(text, word -> counts.merge(word, 1, Integer::sum)));
        counts.keySet().removeAll(words);
        counts.entrySet().stream()
                .sorted(Comparator.comparingInt((Map.Entry<String, Integer> e) -> -e.getValue()).thenComparing(Map.Entry::getKey))
                .limit(size - words.size()).map(Map.Entry::getKey).forEachOrdered(words::add);
        return new Vocabulary(List.copyOf(words));
    }

    /** Reads {@code vocab.txt}; ModelFormatException names the line that is wrong. */
    public static Vocabulary read(Path file) throws IOException {
        List<String> words = lines(file);
        Set<String> seen = new LinkedHashSet<>();
        for (int id = 0; id < words.size(); id++) {
            String word = words.get(id);
            if (id < SPECIAL.size() ? !word.equals(SPECIAL.get(id)) : !Words.of(word).equals(List.of(word))) {
                throw wrong(file, id, (id < SPECIAL.size() ? "must be " + SPECIAL.get(id) : "must be one word in lower case")
                        + ": \"" + ModelFormatException.printable(word) + "\"");
            }
            if (!seen.add(word)) {
                throw wrong(file, id, "must be no word of a line before: \"" + ModelFormatException.printable(word) + "\"");
            }
        }
        for (String own : Stream.concat(SPECIAL.stream(), MemoryTask.words().stream()).toList()) {
            if (!seen.contains(own)) {
                throw wrong(file, words.size(), "the file ends without \"" + own + "\"");
            }
        }
        return new Vocabulary(words);
    }

    private static List<String> lines(Path file) throws IOException {
        try {
            if (Files.size(file) > MOST_BYTES) {
                throw new ModelFormatException(file, ModelFormatException.NO_OFFSET, null,
                        "a vocabulary must have at most " + MOST_BYTES + " bytes: bytes=" + Files.size(file));
            }
            return Files.readAllLines(file);
        } catch (CharacterCodingException e) {
            throw new ModelFormatException(file, ModelFormatException.NO_OFFSET, null, "a vocabulary must be UTF-8 text");
        }
    }

    private static ModelFormatException wrong(Path file, int id, String problem) {
        return new ModelFormatException(file, ModelFormatException.NO_OFFSET, null, "line " + (id + 1) + " " + problem);
    }

    /** Writes a word a line. */
    public void write(Path file) throws IOException {
        Files.write(file, words);
    }

    /** Number of ids. */
    public int size() {
        return words.size();
    }

    /** The words, each at the place of its id. */
    public List<String> words() {
        return words;
    }

    /** What frames a segment. */
    public SpecialTokens special() {
        return TOKENS;
    }

    /** Ids of the text's words; those that are not in here are [UNK]. */
    public long[] encode(String text) {
        return Words.of(text).stream().mapToLong(word -> ids.getOrDefault(word, UNKNOWN)).toArray();
    }

    /** The same of a sentence that must be understood: IllegalArgumentException names a word that is not in here. */
    public long[] encodeKnown(String sentence) {
        List<String> all = Words.of(sentence);
        if (all.isEmpty()) {
            throw new IllegalArgumentException("a sentence must have words: sentence=\"" + sentence + "\"");
        }
        for (String word : all) {
            if (!ids.containsKey(word)) {
                throw new IllegalArgumentException("every word must be one of the model's " + (size() - SPECIAL.size())
                        + " words: word=\"" + word + "\"");
            }
        }
        return encode(sentence);
    }

    int id(String word) {
        return ids.getOrDefault(word, UNKNOWN);
    }

    /** The words of the ids with spaces between them; encodes to the same ids where none is special. */
    public String decode(long... tokens) {
        StringBuilder text = new StringBuilder();
        for (long token : tokens) {
            if (token < 0 || token >= words.size()) {
                throw new IllegalArgumentException("ids must lie below " + words.size() + ": id=" + token);
            }
            String word = words.get((int) token);
            text.append(text.isEmpty() || NO_SPACE_BEFORE.contains(word) ? "" : " ").append(word);
        }
        return text.toString();
    }
}
