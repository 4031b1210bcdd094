package dev.longspan.recall;

import dev.longspan.json.JsonObject;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * What comes behind the last stage, so that what is stored returns to its place over many more segments: stages of longer
 * documents, each from zero moments.
 *
 * @param stages by rising segments; none for no finish
 * @param memoryNoise as {@link Curriculum#memoryNoise}
 */
public record Finish(List<Stage> stages, double memoryNoise) {

    /** None. */
    public static final Finish NONE = new Finish(List.of(), 0);

    /**
     * Of a fixed number of steps.
     *
     * @param segments of a document
     * @param learningRate highest: it falls to a tenth. The more segments, the lower it must be: too high and the
     *     stage unlearns
     */
    public record Stage(int segments, long steps, double learningRate) {

        public Stage {
            Curriculum.atLeast("steps", steps, 1);
            Curriculum.notNegative("learningRate", learningRate);
        }

        /** The rate of a step but for the warm-up. */
        double rate(long step) {
            return learningRate * (1 - 0.9 * step / steps);
        }
    }

    public Finish {
        stages = List.copyOf(stages);
        Curriculum.notNegative("memoryNoise", memoryNoise);
    }

    /** Whether there is one. */
    boolean exists() {
        return !stages.isEmpty();
    }

    Map<String, @Nullable Object> toMap() {
        Map<String, @Nullable Object> map = new LinkedHashMap<>();
        map.put("stages", stages.stream().map(Stage::segments).toList());
        map.put("steps", stages.stream().map(Stage::steps).toList());
        map.put("learning_rates", stages.stream().map(Stage::learningRate).toList());
        map.put("memory_noise", memoryNoise);
        return map;
    }

    static Finish read(JsonObject json) {
        List<Integer> segments = Curriculum.integers(json, "stages");
        long[] steps = json.integers("steps");
        double[] rates = json.numbers("learning_rates");
        if (steps.length != segments.size() || rates.length != segments.size()) {
            throw new IllegalArgumentException("stages, steps and learning_rates must be equally many: stages=" + segments.size()
                    + ", steps=" + steps.length + ", learning_rates=" + rates.length);
        }
        Finish read = new Finish(IntStream.range(0, steps.length)
                .mapToObj(i -> new Stage(segments.get(i), steps[i], rates[i])).toList(), json.number("memory_noise"));
        json.rejectUnread();
        return read;
    }
}
