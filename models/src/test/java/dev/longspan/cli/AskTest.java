package dev.longspan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.longspan.recall.Origin;
import dev.longspan.recall.Recipe;
import dev.longspan.recall.RmtFolder;
import dev.longspan.task.MemoryTask;
import dev.longspan.task.Placement;
import dev.longspan.task.Vocabulary;
import dev.longspan.tensor.TensorArena;
import dev.longspan.text.Corpus;
import dev.longspan.text.Sources;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An untrained model is enough to see that it is asked what it should be. */
final class AskTest {

    private static final String FACT = "Mary went to the kitchen.";
    private static final String QUESTION = "Where is Mary?";

    @TempDir
    Path folder;

    private String model = "";

    @BeforeEach
    void writeAModel() throws IOException {
        Path texts = Files.createDirectory(folder.resolve("texts"));
        for (int i = 0; i < 4; i++) {
            Files.writeString(texts.resolve("text" + i), "one or two words of noise ".repeat(100));
        }
        Corpus corpus = Sources.folder(texts);
        Vocabulary vocabulary = Vocabulary.of(corpus, 200);
        Recipe recipe = Recipe.paper(MemoryTask.MEMORIZE, vocabulary, 1);
        Path written = folder.resolve("model");
        model = written.toString();
        try (TensorArena arena = new TensorArena()) {
            new RmtFolder(recipe.shape(), vocabulary,
                    Origin.of(MemoryTask.MEMORIZE, Placement.ANYWHERE, corpus, recipe.curriculum()))
                    .write(written, recipe.shape().create(arena, 1).parameters());
        }
    }

    private CommandLineRun ask(String... more) {
        List<String> line = new ArrayList<>(List.of("ask", "--model", model, "--threads", "1", "--quiet"));
        line.addAll(List.of(more));
        return CommandLineRun.of(line.toArray(String[]::new));
    }

    private CommandLineRun told(String lines, String... more) {
        InputStream before = System.in;
        System.setIn(new ByteArrayInputStream(lines.getBytes(StandardCharsets.UTF_8)));
        try {
            return ask(more);
        } finally {
            System.setIn(before);
        }
    }

    @Test
    void theAnswersAreRankedBehindFactQuestionAndSpeed() {
        CommandLineRun run = ask("--fact", FACT, "--question", QUESTION, "--tokens", "1k");
        assertThat(run.status()).as(run.err()).isZero();
        List<String> lines = run.out().lines().toList();
        assertThat(lines).hasSize(9);
        assertThat(lines.get(0)).isEqualTo(FACT + "  [token 0 of 1,024]");
        assertThat(lines.get(1)).isEqualTo(QUESTION + "  [token 1,020]");
        assertThat(lines.get(2)).startsWith("1,024 tokens in 21 segments, ").contains(" tokens/s");
        assertThat(String.join(" ", lines.subList(3, 9))).contains("bathroom", "bedroom", "garden", "hallway", "kitchen", "office");
    }

    @Test
    void withItsMemoryZeroedTheModelSaysTheSameWhateverTheFact() throws IOException {
        List<Double> kitchen = probabilities(ask("--fact", FACT, "--question", QUESTION, "--tokens", "500", "--format", "json"));
        List<Double> office = probabilities(ask("--fact", "Mary went to the office.", "--question", QUESTION, "--tokens", "500",
                "--format", "json"));
        assertThat(kitchen).hasSize(6).isNotEqualTo(office);
        List<Double> zeroed = probabilities(ask("--fact", FACT, "--question", QUESTION, "--tokens", "500", "--format", "json",
                "--zero-memory"));
        assertThat(zeroed).isNotEqualTo(kitchen).isEqualTo(probabilities(ask("--fact", "Mary went to the office.", "--question",
                QUESTION, "--tokens", "500", "--format", "json", "--zero-memory")));
    }

    private static List<Double> probabilities(CommandLineRun run) throws IOException {
        assertThat(run.status()).as(run.err()).isZero();
        List<Double> found = new ArrayList<>();
        try (JsonParser json = new JsonFactory().createParser(run.out())) {
            while (json.nextToken() != null) {
                if ("probabilities".equals(json.currentName()) && json.currentToken() == JsonToken.START_OBJECT) {
                    while (json.nextToken() != JsonToken.END_OBJECT) {
                        json.nextToken();
                        found.add(json.getDoubleValue());
                    }
                }
            }
        }
        return found;
    }

    @Test
    void storiesAreReadFromStandardInputUntilItEnds() {
        CommandLineRun run = told(FACT + "\n\nJohn moved to the office.\n" + QUESTION + "\nJohn went to the garden.\nWhere is John?\n",
                "--tokens", "200", "--at", "0.5");
        assertThat(run.status()).as(run.err()).isZero();
        assertThat(run.out()).containsSubsequence("Mary went to the kitchen.  [token 92 of 200]",
                "John moved to the office.  [token 98 of 200]", "Where is Mary?", "John went to the garden.  [token 95 of 200]",
                "Where is John?");
    }

    @Test
    void aLineThatCannotBeUnderstoodIsRefusedAndTheStoryGoesOn() {
        CommandLineRun run = told(FACT + "\nMary flew home.\n" + QUESTION + "\n", "--tokens", "200");
        assertThat(run.status()).isEqualTo(ExitStatus.USAGE);
        assertThat(run.err().lines().toList()).hasSize(1).first().asString().startsWith("error: every word must be one of")
                .endsWith("word=\"flew\"");
        assertThat(run.out()).contains(FACT, QUESTION);
    }

    @Test
    void wrongUseIsOneLineAndItsStatus() {
        refused(ask("--fact", FACT), ExitStatus.USAGE, "facts and a question come together: facts=1");
        refused(ask("--question", QUESTION), ExitStatus.USAGE, "facts and a question come together: facts=0");
        refused(ask("--fact", FACT, "--question", "Where is Zoe?"), ExitStatus.USAGE, "word=\"zoe\"");
        refused(ask("--fact", FACT, "--question", "Where is Mary"), ExitStatus.USAGE, "must end with a question mark");
        refused(ask("--fact", FACT, "--question", QUESTION, "--tokens", "0"), ExitStatus.USAGE, "tokens=0, needed=10");
        refused(ask("--fact", FACT, "--question", QUESTION, "--tokens", "9"), ExitStatus.USAGE, "tokens=9, needed=10");
        refused(ask("--fact", FACT, "--question", QUESTION, "--at", "2"), ExitStatus.USAGE, "share must be from 0 to 1");
        refused(told(FACT + "\n", "--tokens", "100"), ExitStatus.USAGE, "then no more lines");
        model = folder.resolve("none").toString();
        refused(ask("--fact", FACT, "--question", QUESTION), ExitStatus.BAD_FILE, "none");
    }

    private static void refused(CommandLineRun run, int status, String problem) {
        assertThat(run.status()).as(run.err()).isEqualTo(status);
        assertThat(run.err().lines().toList()).hasSize(1).first().asString().startsWith("error: ").contains(problem);
        assertThat(run.out()).isEmpty();
    }
}
