package dev.longspan.recall;

import dev.longspan.json.JsonObject;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What comes in front of a first stage that is too hard to begin with: documents with the facts at their start grow from a few
 * tokens to some segments, then the stories come to be told in any wording. Two facts and a question about either in segments of
 * their own are what makes a memory hold both: without it, it comes to hold one and guess.
 *
 * @param pace steps of over 90 % accuracy from lesson to lesson, {@link Progress#lesson}; 0 for no lessons
 * @param shortest tokens of the first documents
 * @param segments that documents grow to
 * @param memoryNoise as {@link Curriculum#memoryNoise}, in the lessons
 * @param maxSteps of all lessons
 */
public record LessonPlan(long pace, int shortest, int segments, double memoryNoise, long maxSteps) {

    /** No lessons. */
    public static final LessonPlan NONE = new LessonPlan(0, 1, 1, 0, 1);

    public LessonPlan {
        Curriculum.atLeast("pace", pace, 0);
        Curriculum.atLeast("shortest", shortest, 1);
        Curriculum.atLeast("segments", segments, 1);
        Curriculum.notNegative("memoryNoise", memoryNoise);
        Curriculum.atLeast("maxSteps", maxSteps, 1);
    }

    /** Whether there are any. */
    boolean exists() {
        return pace > 0;
    }

    Map<String, @Nullable Object> toMap() {
        Map<String, @Nullable Object> map = new LinkedHashMap<>();
        map.put("pace", pace);
        map.put("shortest", shortest);
        map.put("segments", segments);
        map.put("memory_noise", memoryNoise);
        map.put("max_steps", maxSteps);
        return map;
    }

    static LessonPlan read(JsonObject json) {
        LessonPlan read = new LessonPlan(json.integer("pace"), Math.toIntExact(json.integer("shortest")),
                Math.toIntExact(json.integer("segments")), json.number("memory_noise"), json.integer("max_steps"));
        json.rejectUnread();
        return read;
    }
}
