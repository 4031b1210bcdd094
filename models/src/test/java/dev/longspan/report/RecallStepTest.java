package dev.longspan.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.backend.Backend;
import dev.longspan.bench.ResidentMemory;
import dev.longspan.checkpoint.Checkpoint;
import dev.longspan.model.ModelFolder;
import dev.longspan.parallel.Parallel;
import dev.longspan.recall.Origin;
import dev.longspan.recall.RecallResult;
import dev.longspan.recall.RecallRow;
import dev.longspan.recall.RecallStory;
import dev.longspan.recall.Recipe;
import dev.longspan.recall.RecallTrial;
import dev.longspan.recall.RmtFolder;
import dev.longspan.recall.RmtShape;
import dev.longspan.recall.Tally;
import dev.longspan.rmt.Alignment;
import dev.longspan.task.MemoryTask;
import dev.longspan.task.Noise;
import dev.longspan.task.Place;
import dev.longspan.task.Placement;
import dev.longspan.task.Sample;
import dev.longspan.task.Stories;
import dev.longspan.task.Vocabulary;
import dev.longspan.tensor.TensorArena;
import dev.longspan.text.Corpus;
import dev.longspan.text.Document;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class RecallStepTest {

    private static final long SEED = 5;
    private static final int SEGMENT = 13;
    private static final int TRAINED = 2;
    private static final String TEXT = "some words that tell nothing , over and over . ".repeat(200);
    private static final Corpus NOISE = Corpus.split("folder", "test", List.of(document("a"), document("b")));
    private static final Vocabulary WORDS = Vocabulary.of(NOISE, 128);

    @TempDir
    private Path temp;

    private final StringWriter printed = new StringWriter();

    private static Document document(String name) {
        return new Document(name, TEXT.getBytes(StandardCharsets.UTF_8));
    }

    /** The section of a model that was never trained. */
    private Section untrained(double least) throws IOException {
        RmtShape shape = new RmtShape(RmtShape.Style.BERT, WORDS.size(), 16, 2, 1, 32, 0.1, 2, SEGMENT + 5,
                Alignment.RIGHT, Place.values().length, 0, WORDS.special());
        RmtFolder model = new RmtFolder(shape, WORDS, new Origin(MemoryTask.MEMORIZE, Placement.ANYWHERE, NOISE.name(), NOISE.origin(),
                NOISE.fingerprint(), Recipe.paper(MemoryTask.MEMORIZE, WORDS, SEED).curriculum(), TRAINED));
        Path folder = temp.resolve("untrained");
        try (TensorArena arena = new TensorArena()) {
            model.write(folder, shape.create(arena, SEED).parameters());
        }
        RecallStep step = new RecallStep(hidden -> {
            for (String name : List.of(ModelFolder.CONFIG, Checkpoint.FILE, Vocabulary.FILE)) {
                Files.copy(folder.resolve(name), hidden.resolve(name));
            }
        }, NOISE, List.of(new RecallTrial(1, 6, least), new RecallTrial(20, 3, least)));
        return step.run(new Job(Backend.named("scalar"), Parallel.of(1), SEED, temp, new PrintWriter(printed)));
    }

    @Test
    void theStepReadsEveryLengthAndTellsAStoryOfTheLongest() throws IOException {
        Section section = untrained(0);
        Figures figures = new Figures(Map.of(section.id(), section.figures()));
        assertThat(figures.count("recall.rows")).isEqualTo(2);
        assertThat(figures.find("recall.rows.0.tokens")).isEqualTo((long) TRAINED * SEGMENT);
        assertThat(figures.find("recall.rows.1.tokens")).isEqualTo(20L * TRAINED * SEGMENT);
        assertThat(figures.find("recall.rows.1.documents")).isEqualTo(3L);
        assertThat(figures.find("recall.story.between")).isEqualTo(20L * TRAINED * SEGMENT
                - WORDS.encode(String.valueOf(figures.find("recall.story.fact"))).length
                - WORDS.encode(String.valueOf(figures.find("recall.story.question"))).length);
        assertThat(figures.find("recall.recalled")).isEqualTo(true);
        assertThat(printed.toString().lines().filter(line -> line.contains(" read, "))).hasSize(10);
        assertThat(printed.toString()).contains("told: ", "asked: ", "answered: ", "probability ", "resident memory: ");
        for (Section.Headline headline : section.headlines()) {
            assertThat(Template.text(headline.text(), figures)).doesNotContain("–", "{");
        }
        new Report(List.of(section)).write(temp);
        assertThat(Files.readString(temp.resolve(Report.PAGE))).contains("Recall by length").doesNotContain("–", "{recall");
        assertThat(RmtFolder.open(temp.resolve(RecallStep.FOLDER)).shape().segment()).isEqualTo(SEGMENT);
    }

    @Test
    void theStepFailsWhereTheModelRecallsLessThanItMust() throws IOException {
        Section section = untrained(0.99);
        assertThat(section.passed()).isFalse();
        assertThat(section.headlines().getFirst().passed()).isFalse();
        assertThat(printed.toString()).contains("FAILED: at least 99 %", "CHECK FAILED");
    }

    @Test
    void theStepFailsWhereAModelAnswersWithoutItsMemory() {
        assertThat(result(new Tally(21, 128), 100).passed()).isTrue();
        assertThat(result(new Tally(29, 128), 100).isControlled()).isTrue(); // 22.7 %: 1.8 deviations above 16.7 %
        RecallResult uncontrolled = result(new Tally(30, 128), 100); // 23.4 %: 2.05 deviations
        assertThat(uncontrolled.isControlled()).isFalse();
        assertThat(RecallStep.section(uncontrolled, uncontrolled.figures(), "").headlines().stream()
                .map(Section.Headline::passed)).containsExactly(true, false, true);
        assertThat(uncontrolled.footer()).contains("CHECK FAILED").anyMatch(line -> line.startsWith("memory zeroed")
                && line.contains("FAILED"));
    }

    @Test
    void theStepFailsWhereMemoryGrows() {
        assertThat(result(new Tally(21, 128), 110).passed()).isTrue();
        assertThat(result(new Tally(21, 128), 111).passed()).isFalse();
    }

    private static RecallResult result(Tally control, long residentAtTheEnd) {
        Sample sample = new Stories(MemoryTask.MEMORIZE, WORDS, Noise.heldOut(NOISE, WORDS), Placement.ANYWHERE, SEED).draw(0, 60);
        RecallRow row = new RecallRow(new RecallTrial(1, 8, 0.9), 60, new Tally(8, 8), control, 1);
        return new RecallResult(60, List.of(row), new RecallStory(sample, sample.story().answer(), 1), 1, 1, 1,
                new ResidentMemory(OptionalLong.of(100), 7), new ResidentMemory(OptionalLong.of(residentAtTheEnd), 7));
    }
}
