package dev.longspan.recall;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.checkpoint.Checkpoint;
import dev.longspan.checkpoint.ModelFormatException;
import dev.longspan.parallel.Parallel;
import dev.longspan.rmt.RmtEncoder;
import dev.longspan.task.Lesson;
import dev.longspan.tensor.TensorArena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class RmtFolderTest {

    @TempDir
    private Path temp;

    private final RmtFolder model = Lessons.model(Lessons.brief(0, false));
    private Path folder;
    private List<Float> logits;

    @BeforeEach
    void write() throws IOException {
        folder = temp.resolve("model");
        try (TensorArena arena = new TensorArena()) {
            RmtEncoder network = model.shape().create(arena, 9);
            logits = logits(network);
            model.write(folder, network.parameters());
        }
    }

    private static List<Float> logits(RmtEncoder network) {
        try (Workspace workspace = new Workspace(); Pass pass = Pass.inference(Backend.best(), Parallel.of(1), workspace)) {
            float[] values = network.logits(pass, List.of(Lessons.examples().draw(1, 20, Lesson.WHOLE).document())).toFloats();
            return List.of(values[0], values[1]);
        }
    }

    private void replace(String file, String what, String with) throws IOException {
        Path path = folder.resolve(file);
        String text = Files.readString(path);
        assertThat(text).contains(what);
        Files.writeString(path, text.replace(what, with));
    }

    private void refuses(String problem) {
        assertThatThrownBy(() -> {
            RmtFolder opened = RmtFolder.open(folder);
            try (TensorArena arena = new TensorArena(); Checkpoint weights = RmtFolder.weights(folder)) {
                opened.load(folder, weights, arena);
            }
        }).isInstanceOf(ModelFormatException.class).hasMessageContaining(problem);
    }

    @Test
    void aModelThatIsWrittenAndReadGivesTheSameBits() throws IOException {
        RmtFolder opened = RmtFolder.open(folder);
        assertThat(opened.shape()).isEqualTo(model.shape());
        assertThat(opened.origin()).isEqualTo(model.origin());
        assertThat(opened.vocabulary().words()).isEqualTo(model.vocabulary().words());
        try (TensorArena arena = new TensorArena(); Checkpoint weights = RmtFolder.weights(folder)) {
            assertThat(logits(opened.load(folder, weights, arena))).isEqualTo(logits);
        }
    }

    @Test
    void anotherArchitectureIsRefused() throws IOException {
        replace("config.json", "\"rmt\"", "\"longnet\"");
        refuses("architecture must be rmt: architecture=longnet");
    }

    @Test
    void aMemoryLargerThanTheSegmentIsRefused() throws IOException {
        replace("config.json", "\"memory\" : 2", "\"memory\" : 7");
        refuses("memory must not be larger than the segment: memory=7, segment=2");
    }

    @Test
    void tooFewPositionsAreRefused() throws IOException {
        replace("config.json", "\"positions\" : 12", "\"positions\" : 11");
        refuses("backbone.positions must be as many as input: positions=11, input=12");
    }

    @Test
    void anUnknownKeyIsRefused() throws IOException {
        replace("config.json", "\"classes\" : 2", "\"classes\" : 2, \"rank\" : 3");
        refuses("unknown keys: rank");
    }

    @Test
    void numbersThatAreNoneAreRefused() throws IOException {
        replace("config.json", "\"width\" : 16", "\"width\" : 4294967312");
        refuses("integer overflow");
    }

    @Test
    void weightsOfAnotherSizeAreRefused() throws IOException {
        replace("config.json", "\"feed_forward\" : 32", "\"feed_forward\" : 31");
        refuses("tensor \"backbone.encoder.layers.0.feedForward.up.weight\": expected F32[31, 16]");
    }

    @Test
    void aVocabularyOfAnotherModelIsRefused() throws IOException {
        Files.writeString(folder.resolve("vocab.txt"), "superfluous\n", java.nio.file.StandardOpenOption.APPEND);
        refuses("the vocabulary must be the model's");
    }

    @Test
    void aFolderWithoutAVocabularyIsRefused() throws IOException {
        Files.delete(folder.resolve("vocab.txt"));
        refuses("must have vocab.txt beside it");
    }
}
