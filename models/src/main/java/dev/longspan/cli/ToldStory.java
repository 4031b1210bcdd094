package dev.longspan.cli;

import dev.longspan.recall.Origin;
import dev.longspan.recall.RmtFolder;
import dev.longspan.task.Haystack;
import dev.longspan.task.Inquiry;
import dev.longspan.task.Noise;
import dev.longspan.task.Place;
import dev.longspan.task.Sample;
import dev.longspan.text.Corpus;
import dev.longspan.text.Sources;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which document to read: one of the model's task, or somebody's own facts and question. */
final class ToldStory {

    private static final int SEGMENTS = 4;

    @Option(names = "--length", paramLabel = "N", description = "Segments of the document (default: " + SEGMENTS + ").")
    private @Nullable Integer length;

    @Option(names = "--tokens", paramLabel = "N", description = "Tokens of the document, instead of --length.")
    private @Nullable Long tokens;

    @Option(names = "--fact", paramLabel = "TEXT",
            description = "Begin the document with this fact instead of hiding a story of the model's task; may be repeated.")
    private List<String> facts = new ArrayList<>();

    @Option(names = "--question", paramLabel = "TEXT", description = "What to ask about the facts, with a question mark.")
    private @Nullable String question;

    @Option(names = "--data", paramLabel = "DIR",
            description = "Hide the facts in held-out text files below a folder (default: as in training).")
    private @Nullable Path data;

    /**
     * A document to read.
     *
     * @param lines what hides in it, for people
     * @param answer what is right, where that is known
     */
    record Told(Haystack document, List<String> lines, @Nullable Place answer) {

        Told {
            lines = List.copyOf(lines);
        }
    }

    /** The document for that model and seed. */
    Told tell(RmtFolder model, long seed) throws IOException {
        if (tokens != null && length != null) {
            throw new IllegalArgumentException("--tokens and --length are the same in other units: give one of them");
        }
        if (facts.isEmpty() != (question == null)) {
            throw new IllegalArgumentException("--fact and --question go together: facts=" + facts.size() + ", question="
                    + question);
        }
        long count = tokens != null ? tokens : (length == null ? SEGMENTS : (long) length) * model.shape().segment();
        if (count < 1) {
            throw new IllegalArgumentException("--tokens and --length must be positive: tokens=" + count);
        }
        Corpus corpus = data == null ? model.origin().noise() : Sources.folder(data);
        if (question == null) {
            Sample sample = Origin.heldOut(model.origin().task(), model.origin().placement(), corpus, model.vocabulary(), seed)
                    .draw(0, count);
            return new Told(sample.document(), sample.lines(), sample.story().answer());
        }
        List<String> lines = new ArrayList<>(facts);
        lines.add(question);
        Noise noise = Noise.heldOut(corpus, model.vocabulary());
        return new Told(new Inquiry(facts, question).hidden(model.vocabulary(), noise, 0, 0, count), lines, null);
    }
}
