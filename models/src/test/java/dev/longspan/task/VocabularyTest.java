package dev.longspan.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.longspan.checkpoint.ModelFormatException;
import dev.longspan.rmt.SpecialTokens;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class VocabularyTest {

    private static final String TEXT = "Ask, and it shall be given; ask 3 times: \u00c4rger, it is 1984. It's b\u0000ad \uD83D\uDE00 \uD800";
    private static final Vocabulary VOCABULARY = Vocabulary.of(Stream.of(TEXT, "ask it"), 1_000);

    @TempDir
    Path folder;

    @Test
    void textIsLettersNumbersAndMarks() {
        assertThat(Words.of(TEXT)).containsExactly("ask", ",", "and", "it", "shall", "be", "given", ";", "ask", "3", "times", ":",
                "\u00e4rger", ",", "it", "is", "1984", ".", "it", "'", "s", "b", "ad");
        assertThat(Words.of("x1_y <= 2\u20ac \u2014 \u0130stanbul")).containsExactly("x", "1", "_", "y", "<", "=", "2", "\u2014",
                "i", "stanbul");
    }

    @Test
    void frequentWordsFollowTheTasksOwn() {
        List<String> own = MemoryTask.words();
        assertThat(VOCABULARY.words()).startsWith("[PAD]", "[CLS]", "[SEP]", "[UNK]").hasSize(VOCABULARY.size());
        assertThat(VOCABULARY.words().subList(4, 4 + own.size())).isEqualTo(own);
        assertThat(VOCABULARY.words().subList(4 + own.size(), 4 + own.size() + 4)).containsExactly("it", "ask", ",", "'");
        assertThat(VOCABULARY.special()).isEqualTo(new SpecialTokens(0, 1, 2));
        assertThat(Vocabulary.of(Stream.of(TEXT), 4 + own.size() + 1).size()).isEqualTo(4 + own.size() + 1);
        assertThatThrownBy(() -> Vocabulary.of(Stream.of(TEXT), 4)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("size=4, words=" + (4 + own.size()));
    }

    @Test
    void everyWordOfEveryTaskIsKnown() {
        for (MemoryTask task : MemoryTask.values()) {
            int most = 0;
            for (int i = 0; i < 3_000; i++) {
                Story story = task.story(new Draws(1, i, 0, 0), Lesson.WHOLE);
                int needed = VOCABULARY.encodeKnown(String.join(" ", story.facts()) + story.question()).length;
                assertThat(needed).as(story.toString()).isLessThanOrEqualTo(task.mostTokens());
                most = Math.max(most, needed);
            }
            assertThat(most).as(task.toString()).isEqualTo(task.mostTokens());
        }
    }

    @Test
    void whatIsDecodedEncodesToTheSameIds() {
        long[] ids = VOCABULARY.encode(TEXT);
        assertThat(VOCABULARY.decode(ids)).startsWith("ask, and it shall be given; ask 3 times: ");
        assertThat(VOCABULARY.encode(VOCABULARY.decode(ids))).isEqualTo(ids);
        assertThat(VOCABULARY.encode("unheard of")).containsExactly(3, VOCABULARY.encode("of")[0]);
        assertThatThrownBy(() -> VOCABULARY.decode(VOCABULARY.size())).hasMessageContaining("id=" + VOCABULARY.size());
        assertThatThrownBy(() -> VOCABULARY.decode(-1)).hasMessageContaining("id=-1");
    }

    @Test
    void aFileGivesTheSameVocabulary() throws IOException {
        Path file = folder.resolve(Vocabulary.FILE);
        VOCABULARY.write(file);
        assertThat(Files.readAllLines(file).get(2)).isEqualTo("[SEP]");
        Vocabulary read = Vocabulary.read(file);
        assertThat(read.words()).isEqualTo(VOCABULARY.words());
        assertThat(read.encode(TEXT)).isEqualTo(VOCABULARY.encode(TEXT));
    }

    @Test
    void aWrongFileIsAnErrorThatNamesTheLine() throws IOException {
        int last = VOCABULARY.size();
        refused(changed(1, "[cls]"), "line 2 must be [CLS]: \"[cls]\"");
        refused(changed(0, "\uFEFF[PAD]"), "line 1 must be [PAD]");
        refused(changed(6, "Two"), "line 7 must be one word in lower case: \"Two\"");
        refused(changed(6, ""), "line 7 must be one word");
        refused(changed(6, "two words"), "line 7 must be one word");
        refused(changed(6, "\u001b[31m"), "line 7 must be one word");
        refused(changed(6, "[PAD]"), "line 7 must be one word");
        refused(changed(8, VOCABULARY.words().get(4)), "line 9 must be no word of a line before");
        refused(VOCABULARY.words().subList(0, 3), "line 4 the file ends without \"[UNK]\"");
        refused(changed(5, "xyz"), "line " + (last + 1) + " the file ends without \"" + VOCABULARY.words().get(5) + "\"");
        refused(List.of(), "line 1 the file ends without \"[PAD]\"");
    }

    @Test
    void aFileThatIsNoTextOrHugeIsRefused() throws IOException {
        Path file = folder.resolve("bad.txt");
        Files.write(file, new byte[] {'[', (byte) 0xC0, (byte) 0x80});
        assertThatThrownBy(() -> Vocabulary.read(file)).isInstanceOf(ModelFormatException.class).hasMessageContaining("UTF-8");
        try (var sparse = new java.io.RandomAccessFile(file.toFile(), "rw")) {
            sparse.setLength(1L << 32);
        }
        assertThatThrownBy(() -> Vocabulary.read(file)).isInstanceOf(ModelFormatException.class).hasMessageContaining("at most");
        assertThatThrownBy(() -> Vocabulary.read(folder.resolve("none"))).isInstanceOf(java.nio.file.NoSuchFileException.class);
    }

    private static List<String> changed(int line, String word) {
        List<String> words = new ArrayList<>(VOCABULARY.words());
        words.set(line, word);
        return words;
    }

    private void refused(List<String> lines, String problem) throws IOException {
        Path file = folder.resolve(Vocabulary.FILE);
        Files.write(file, lines);
        assertThatThrownBy(() -> Vocabulary.read(file)).isInstanceOf(ModelFormatException.class)
                .hasMessageStartingWith(file.toString()).hasMessageContaining(problem).hasMessageNotContaining("\u001b");
    }
}
