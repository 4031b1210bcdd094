package dev.longspan.task;

import dev.longspan.rmt.TokenSource;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Vocabulary and noise of words w…, no two places of which look alike. */
final class Worlds {

    private static final int WORDS = 5_003;

    static final String TEXT = IntStream.range(0, WORDS).mapToObj(i -> "w" + letters(i)).collect(Collectors.joining(" "));
    static final Vocabulary VOCABULARY = Vocabulary.of(Stream.of(TEXT), 8_192);
    static final Noise NOISE = Noise.of(Stream.of(TEXT), VOCABULARY, "test");

    private Worlds() {
    }

    static Stories stories(MemoryTask task, Placement placement, long seed) {
        return new Stories(task, VOCABULARY, NOISE, placement, seed);
    }

    static String letters(int number) {
        return Integer.toString(number, 26).chars().map(c -> Character.isDigit(c) ? c - '0' + 'a' : c + 10)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append).toString();
    }

    static long[] read(TokenSource document, long from, int count) {
        long[] tokens = new long[count];
        document.read(from, tokens);
        return tokens;
    }
}
