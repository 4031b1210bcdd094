package dev.longspan.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.longspan.text.Corpus;
import dev.longspan.text.Sources;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class NoiseTest {

    @TempDir
    Path folder;

    @Test
    void noiseBeginsAgainAtItsEnd() {
        long words = Worlds.NOISE.words();
        long[] once = read(Worlds.NOISE, 0, (int) words);
        assertThat(read(Worlds.NOISE, 3 * words - 2, 4)).containsExactly(once[(int) words - 2], once[(int) words - 1], once[0], once[1]);
        assertThat(read(Worlds.NOISE, words * (1L << 40) + 7, 2)).containsExactly(once[7], once[8]);
        assertThat(read(Worlds.NOISE, 5, 2 * (int) words)).startsWith(Arrays.copyOfRange(once, 5, once.length))
                .endsWith(Arrays.copyOf(once, 5));
        assertThatThrownBy(() -> read(Worlds.NOISE, -1, 1)).hasMessageContaining("from=-1");
    }

    private static long[] read(Noise noise, long from, int count) {
        long[] into = new long[count];
        noise.read(from, into);
        return into;
    }

    @Test
    void commentsAreReadWithoutTheirMarkup() {
        String source = """
                /* Copyright. */ class A { // no
                    /**
                     * Gives {@code x * 2}, see {@link B#c the other}<p class="z">of it.</p> A &lt; b
                     *
                     * @param x what
                     */
                    int a; /**/ int b; /** One **/ int d;
                }
                """;
        assertThat(Words.of(Prose.comments(source))).containsExactly("gives", "x", "*", "2", ",", "see", "b", "#", "c", "the",
                "other", "of", "it", ".", "a", "b", "x", "what", "one", "*");
    }

    @Test
    void ofAFolderEverythingIsNoise() throws IOException {
        Files.writeString(folder.resolve("a.txt"), "/** comment */ " + "outside ".repeat(400));
        Corpus corpus = Sources.folder(folder);
        Vocabulary vocabulary = Vocabulary.of(corpus, 1_000);
        assertThat(vocabulary.words()).contains("outside", "comment");
        assertThat(vocabulary.decode(read(Noise.train(corpus, vocabulary), 0, 6))).isEqualTo("/ * * comment * /");
    }

    @Test
    void tooFewWordsAreAnErrorThatNamesTheSource() throws IOException {
        Files.writeString(folder.resolve("a.txt"), "word ".repeat(300)); // its last twentieth is held out
        Corpus corpus = Sources.folder(folder);
        Vocabulary vocabulary = Vocabulary.of(corpus, 1_000);
        assertThat(Noise.train(corpus, vocabulary).words()).isEqualTo(285);
        assertThatThrownBy(() -> Noise.heldOut(corpus, vocabulary)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("at least 256 words: words=15, data=held-out part of " + folder);
    }

    @Test
    void heldOutNoiseIsNoneOfTheTrainingNoise() throws IOException {
        for (int file = 0; file < 200; file++) {
            String name = "doc" + Worlds.letters(1_000 + file);
            Files.writeString(folder.resolve(name + ".txt"),
                    IntStream.range(0, 100).mapToObj(i -> name + Worlds.letters(i)).collect(Collectors.joining(" ")));
        }
        Corpus corpus = Sources.folder(folder);
        Vocabulary every = Vocabulary.of(Stream.concat(Prose.of(corpus, corpus.train()), Prose.of(corpus, corpus.heldOut())), 30_000);
        Set<Long> train = words(Noise.train(corpus, every));
        Set<Long> heldOut = words(Noise.heldOut(corpus, every));
        assertThat(train.size() + heldOut.size()).isEqualTo(20_000);
        assertThat(Collections.disjoint(train, heldOut)).isTrue();
        assertThat(heldOut.size()).isBetween(200, 2_500);
        assertThat(Vocabulary.of(corpus, 30_000).encode(every.decode(heldOut.iterator().next()))).containsExactly(3);
    }

    private static Set<Long> words(Noise noise) {
        return new HashSet<>(Arrays.stream(read(noise, 0, (int) noise.words())).boxed().toList());
    }

    @Test
    void theJdksCommentsAreNoiseByDefault() throws IOException {
        Corpus corpus = Sources.standard();
        Vocabulary vocabulary = Vocabulary.of(corpus, Vocabulary.SIZE);
        Noise noise = Noise.heldOut(corpus, vocabulary);
        assertThat(vocabulary.size()).isEqualTo(Vocabulary.SIZE);
        long[] ids = read(noise, 0, (int) noise.words());
        assertThat(Arrays.stream(ids).filter(id -> id == 3).count()).as("[UNK] among %d words", ids.length)
                .isLessThan(ids.length / 5);
        assertThat(Arrays.stream(ids).anyMatch(id -> id < 3)).isFalse();
    }
}
