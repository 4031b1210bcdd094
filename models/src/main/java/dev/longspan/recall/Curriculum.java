package dev.longspan.recall;

import dev.longspan.json.JsonObject;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Everything that decides the numbers of a training but model, examples and backend.
 *
 * @param stages segments of a document, stage by stage, rising; a single stage is training without a curriculum
 * @param batch documents of a step
 * @param earlier share of documents that have the segments of a random earlier stage
 * @param memoryNoise standard deviation of the noise on memory passed from segment to segment
 * @param lessons in front of the first stage; a share {@code earlier} of that stage's documents are then like the last lessons'
 * @param finish behind the last stage
 * @param recompute whether segments are computed again on the way back: the same bits, less memory, more time
 * @param saveEvery steps between checkpoints; 0 is only at the end
 */
public record Curriculum(List<Integer> stages, int batch, UpdateRule updates, StageEnd end, double earlier, double memoryNoise,
        LessonPlan lessons, Finish finish, boolean recompute, long saveEvery, long seed) {

    public Curriculum {
        stages = List.copyOf(stages);
        if (stages.isEmpty()) {
            throw new IllegalArgumentException("stages must be at least one: stages=[]");
        }
        int before = 0;
        for (int segments : all(stages, finish)) {
            if (segments <= before) {
                throw new IllegalArgumentException("stages must be rising numbers of segments: stages=" + all(stages, finish));
            }
            before = segments;
        }
        atLeast("batch", batch, 1);
        atLeast("saveEvery", saveEvery, 0);
        notNegative("memoryNoise", memoryNoise);
        if (!(earlier >= 0 && earlier < 1)) {
            throw new IllegalArgumentException("earlier must be in [0, 1): earlier=" + earlier);
        }
    }

    /** Segments of a document, stage by stage, those of the finish included. */
    public List<Integer> allStages() {
        return all(stages, finish);
    }

    private static List<Integer> all(List<Integer> stages, Finish finish) {
        return Stream.concat(stages.stream(), finish.stages().stream().map(Finish.Stage::segments)).toList();
    }

    /** Segments of a stage's documents; of the last behind it. */
    public int stage(int number) {
        List<Integer> all = allStages();
        return all.get(Math.min(number, all.size() - 1));
    }

    /** Whether a stage, or what is behind all stages, belongs to the finish. */
    boolean isFinish(int stage) {
        return finish.exists() && stage >= stages.size();
    }

    private Finish.Stage finishing(int stage) {
        return finish.stages().get(Math.min(stage - stages.size(), finish.stages().size() - 1));
    }

    /** Steps that a stage consolidates for; one of the finish does nothing else. */
    long consolidation(int stage) {
        return isFinish(stage) ? finishing(stage).steps() : end.consolidation();
    }

    /** Deviation of the noise on memory at a step. */
    double noise(Progress progress) {
        return progress.hasLessons(this) ? lessons.memoryNoise()
                : isFinish(progress.stage()) ? finish.memoryNoise() : memoryNoise;
    }

    /** The learning rate of a step. */
    double rate(Progress progress) {
        double rate = isFinish(progress.stage()) ? finishing(progress.stage()).rate(progress.stageStep())
                : updates.learningRate() + (updates.endLearningRate() - updates.learningRate()) * fallen(progress);
        return updates.warm(progress.stageStep()) * rate;
    }

    private double fallen(Progress progress) {
        return switch (updates.decay()) {
            case NONE -> 0;
            case STAGE -> Math.min(1, (double) progress.stageStep() / end.maxSteps());
            case CONSOLIDATION -> progress.isConsolidating() && end.consolidation() > 0
                    ? (double) (progress.stageStep() - progress.reachedAt()) / end.consolidation() : 0;
        };
    }

    /** By name, to save. */
    public Map<String, @Nullable Object> toMap() {
        Map<String, @Nullable Object> map = new LinkedHashMap<>();
        map.put("stages", stages);
        map.put("batch", batch);
        updates.put(map);
        end.put(map);
        map.put("earlier", earlier);
        map.put("memory_noise", memoryNoise);
        if (lessons.exists()) {
            map.put("lessons", lessons.toMap());
        }
        if (finish.exists()) {
            map.put("finish", finish.toMap());
        }
        map.put("recompute", recompute);
        map.put("save_every", saveEvery);
        map.put("seed", seed);
        return map;
    }

    /** What {@link #toMap} gave; throws IllegalArgumentException naming what is wrong. */
    static Curriculum read(JsonObject json) {
        Curriculum read = new Curriculum(integers(json, "stages"), Math.toIntExact(json.integer("batch")), UpdateRule.read(json),
                StageEnd.read(json), json.number("earlier"), json.number("memory_noise"),
                json.has("lessons") ? LessonPlan.read(json.object("lessons")) : LessonPlan.NONE,
                json.has("finish") ? Finish.read(json.object("finish")) : Finish.NONE, json.flag("recompute", false),
                json.integer("save_every"), json.integer("seed"));
        json.rejectUnread();
        return read;
    }

    static List<Integer> integers(JsonObject json, String name) {
        return LongStream.of(json.integers(name)).mapToObj(Math::toIntExact).toList();
    }

    static void atLeast(String name, long value, long least) {
        if (value < least) {
            throw new IllegalArgumentException(name + " must be at least " + least + ": " + name + "=" + value);
        }
    }

    static void notNegative(String name, double value) {
        if (!(value >= 0 && Double.isFinite(value))) {
            throw new IllegalArgumentException(name + " must be finite and not negative: " + name + "=" + value);
        }
    }
}
