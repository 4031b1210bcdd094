package dev.longspan.recall;

import dev.longspan.json.JsonObject;
import dev.longspan.task.MemoryTask;
import dev.longspan.task.Noise;
import dev.longspan.task.Placement;
import dev.longspan.task.Stories;
import dev.longspan.task.Vocabulary;
import dev.longspan.text.Corpus;
import dev.longspan.text.Sources;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a model was trained on, and how.
 *
 * @param corpus name of the noise's texts
 * @param place where they lay
 * @param fingerprint of the texts
 * @param segments of the longest documents so far
 */
public record Origin(MemoryTask task, Placement placement, String corpus, String place, String fingerprint,
        Curriculum curriculum, int segments) {

    private static final String ANYWHERE = "anywhere";
    private static final String SEGMENT_START = "segment-start";

    /** Stories to evaluate with are none of those to train with. */
    private static final long HELD_OUT = 0x5851F42D4C957F2DL;

    /** A training on noise from a corpus. */
    public static Origin of(MemoryTask task, Placement placement, Corpus noise, Curriculum curriculum) {
        return new Origin(task, placement, noise.name(), noise.origin(), noise.fingerprint(), curriculum,
                curriculum.stages().getFirst());
    }

    /** The same after documents of so many segments. */
    Origin with(int longest) {
        return new Origin(task, placement, corpus, place, fingerprint, curriculum, longest);
    }

    /** The texts, read again from where they lay. */
    public Corpus noise() throws IOException {
        return Sources.isStandard(corpus) ? Sources.standard() : Sources.folder(Path.of(place));
    }

    /** Throws IllegalArgumentException if these are not the texts of the training. */
    public void checkSame(Corpus noise) {
        if (!fingerprint.equals(noise.fingerprint())) {
            throw new IllegalArgumentException("the noise is not the one this run started with: data=" + noise.origin()
                    + ", expected " + place);
        }
    }

    /** Stories to train with. */
    public Stories training(Corpus noise, Vocabulary vocabulary) {
        return new Stories(task, vocabulary, Noise.train(noise, vocabulary), placement, curriculum.seed());
    }

    /** Stories in noise that was never trained on. */
    public static Stories heldOut(MemoryTask task, Placement placement, Corpus noise, Vocabulary vocabulary, long seed) {
        return new Stories(task, vocabulary, Noise.heldOut(noise, vocabulary), placement, seed ^ HELD_OUT);
    }

    Map<String, @Nullable Object> toMap() {
        Map<String, @Nullable Object> noise = new LinkedHashMap<>();
        noise.put("name", corpus);
        noise.put("origin", place);
        noise.put("sha256", fingerprint);
        Map<String, @Nullable Object> map = new LinkedHashMap<>();
        map.put("task", JsonObject.nameOf(task));
        map.put("placement", placement.segment() == 0 ? ANYWHERE : SEGMENT_START);
        map.put("noise", noise);
        map.put("segments", segments);
        map.put("curriculum", curriculum.toMap());
        return map;
    }

    /** What {@link #toMap} gave; throws IllegalArgumentException naming what is wrong. */
    static Origin read(JsonObject json, long segment) {
        JsonObject noise = json.object("noise");
        Origin origin = new Origin(MemoryTask.named(json.text("task")), placement(json.text("placement"), segment),
                noise.text("name"), noise.text("origin"), noise.text("sha256"), Curriculum.read(json.object("curriculum")),
                Math.toIntExact(json.integer("segments")));
        noise.rejectUnread();
        json.rejectUnread();
        return origin;
    }

    private static Placement placement(String name, long segment) {
        return switch (name) {
            case ANYWHERE -> Placement.ANYWHERE;
            case SEGMENT_START -> Placement.segmentStart(segment);
            default -> throw new IllegalArgumentException("placement must be " + ANYWHERE + " or " + SEGMENT_START + ": placement="
                    + name);
        };
    }
}
