package dev.longspan.recall;

import dev.longspan.json.JsonObject;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What comes behind the last stage, on its documents and with zero moments: more noise on the memory and a slow fall of the
 * learning rate, so that what is stored returns to its place over many more segments than training has.
 *
 * @param steps of falling rate, behind the fewest of a stage; 0 for none at all
 * @param memoryNoise as {@link Curriculum#memoryNoise}
 */
public record Finish(long steps, double memoryNoise) {

    /** None. */
    public static final Finish NONE = new Finish(0, 0);

    public Finish {
        Curriculum.atLeast("steps", steps, 0);
        Curriculum.notNegative("memoryNoise", memoryNoise);
    }

    /** Whether there is one. */
    boolean exists() {
        return steps > 0;
    }

    Map<String, @Nullable Object> toMap() {
        Map<String, @Nullable Object> map = new LinkedHashMap<>();
        map.put("steps", steps);
        map.put("memory_noise", memoryNoise);
        return map;
    }

    static Finish read(JsonObject json) {
        Finish read = new Finish(json.integer("steps"), json.number("memory_noise"));
        json.rejectUnread();
        return read;
    }
}
