package dev.longspan.recall;

import dev.longspan.json.JsonObject;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What comes behind the last stage, so that what is stored returns to its place over many more segments: stages of longer
 * documents, each of the same number of steps with zero moments and a rate of its own that falls to a tenth.
 *
 * @param stages segments of a document, rising; none for no finish
 * @param learningRate highest of each stage: at that of the curriculum what was learned is lost
 * @param memoryNoise as {@link Curriculum#memoryNoise}
 */
public record Finish(List<Integer> stages, long steps, double learningRate, double memoryNoise) {

    /** None. */
    public static final Finish NONE = new Finish(List.of(), 1, 0, 0);

    public Finish {
        stages = List.copyOf(stages);
        Curriculum.atLeast("steps", steps, 1);
        Curriculum.notNegative("learningRate", learningRate);
        Curriculum.notNegative("memoryNoise", memoryNoise);
    }

    /** Whether there is one. */
    boolean exists() {
        return !stages.isEmpty();
    }

    /** The rate of a stage's step but for the warm-up. */
    double rate(long stageStep) {
        return learningRate * (1 - 0.9 * stageStep / steps);
    }

    Map<String, @Nullable Object> toMap() {
        Map<String, @Nullable Object> map = new LinkedHashMap<>();
        map.put("stages", stages);
        map.put("steps", steps);
        map.put("learning_rate", learningRate);
        map.put("memory_noise", memoryNoise);
        return map;
    }

    static Finish read(JsonObject json) {
        Finish read = new Finish(Curriculum.integers(json, "stages"), json.integer("steps"), json.number("learning_rate"),
                json.number("memory_noise"));
        json.rejectUnread();
        return read;
    }
}
