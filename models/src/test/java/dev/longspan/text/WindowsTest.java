package dev.longspan.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class WindowsTest {

    private static final List<Document> DOCUMENTS = List.of(document("ab"), document("cde"), document("f"));
    private static final String ALL = "\0ab\0cde\0f";

    @Test
    void everyWindowIsAStretchOfTheSeparatedDocumentsAndEveryPlaceIsDrawn() {
        Windows windows = new Windows(DOCUMENTS, 7);
        assertThat(windows.tokens()).isEqualTo(ALL.length());
        for (int length = 1; length <= ALL.length(); length++) {
            Set<Integer> places = new HashSet<>();
            for (int s = 0; s < 300; s++) {
                long[] window = new long[length];
                windows.read(s, window);
                String text = text(window);
                assertThat(ALL).as("length=%d, s=%d", length, s).contains(text);
                places.add(ALL.indexOf(text));
            }
            if (length > 1) {
                assertThat(places).hasSize(ALL.length() - length + 1);
            }
        }
    }

    @Test
    void aWindowDependsOnSeedAndNumberAlone() {
        long[] first = new long[4];
        long[] again = new long[4];
        int differences = 0;
        for (int s = 99; s >= 0; s--) {
            new Windows(DOCUMENTS, 1).read(s, first);
            new Windows(DOCUMENTS, 1).read(s, again);
            assertThat(again).isEqualTo(first);
            new Windows(DOCUMENTS, 2).read(s, again);
            differences += Arrays.equals(first, again) ? 0 : 1;
        }
        assertThat(differences).isGreaterThan(50);
    }

    @Test
    void textShorterThanTheWindowIsRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> new Windows(DOCUMENTS, 1).read(0, new long[10]))
                .withMessageContaining("window=10");
    }

    @Test
    void passagesPredictEveryByteOnce() {
        StringBuilder predicted = new StringBuilder();
        for (Passage passage : Passage.all(DOCUMENTS, 2)) {
            assertThat(text(passage.inputs()).substring(1)).isEqualTo(text(passage.targets())
                    .substring(0, passage.length() - 1));
            predicted.append(text(passage.targets()));
        }
        assertThat(predicted.toString()).isEqualTo("abcdef");
        assertThat(text(new Passage(DOCUMENTS.get(1), 2, 3).inputs())).isEqualTo("d");
        assertThat(text(new Passage(DOCUMENTS.get(1), 0, 3).inputs())).isEqualTo("\0cd");
    }

    @Test
    void aSampleOfPassagesIsSpreadAndCloseToItsSize() {
        List<Passage> all = Passage.all(List.of(document("x".repeat(1000)), document("y".repeat(1000))), 10);
        List<Passage> sample = Passage.sample(all, 200);
        assertThat(sample.stream().mapToLong(Passage::length).sum()).isBetween(200L, 210L);
        assertThat(sample.stream().filter(p -> p.document().text()[0] == 'x').count()).isBetween(9L, 12L);
        assertThat(Passage.sample(all, 1)).hasSize(1);
        assertThat(Passage.sample(all, 1 << 20)).isEqualTo(all);
    }

    private static String text(long[] ids) {
        StringBuilder text = new StringBuilder();
        Arrays.stream(ids).forEach(id -> text.append((char) id));
        return text.toString();
    }

    private static Document document(String text) {
        return new Document(text, text.getBytes(StandardCharsets.UTF_8));
    }
}
