package dev.longspan.recall;

import dev.longspan.json.JsonObject;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * When a stage is done.
 *
 * @param window steps that the running accuracy is taken over, of documents of the stage's full length
 * @param threshold running accuracy at which a stage has learned what it is to learn
 * @param minSteps of a stage before it may have
 * @param maxSteps of a stage that never does, lessons included
 * @param consolidation steps that a stage goes on after either
 */
public record StageEnd(int window, double threshold, long minSteps, long maxSteps, long consolidation) {

    public StageEnd {
        Curriculum.atLeast("window", window, 1);
        Curriculum.notNegative("threshold", threshold);
        Curriculum.atLeast("minSteps", minSteps, 0);
        Curriculum.atLeast("maxSteps", maxSteps, 1);
        Curriculum.atLeast("consolidation", consolidation, 0);
    }

    void put(Map<String, @Nullable Object> map) {
        map.put("window", window);
        map.put("threshold", threshold);
        map.put("min_steps", minSteps);
        map.put("max_steps", maxSteps);
        map.put("consolidation", consolidation);
    }

    static StageEnd read(JsonObject json) {
        return new StageEnd(Math.toIntExact(json.integer("window")), json.number("threshold"), json.integer("min_steps"),
                json.integer("max_steps"), json.integer("consolidation"));
    }
}
