package dev.longspan.recall;

import dev.longspan.json.JsonObject;
import dev.longspan.optim.AdamW;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * Everything that decides the numbers of a training but model, examples and backend.
 *
 * @param stages segments of a document, stage by stage, rising; a single stage is training without a curriculum
 * @param batch documents of a step
 * @param warmup steps of rising learning rate at the start of every stage
 * @param decay when the rate falls from {@code learningRate} to {@code endLearningRate}
 * @param clipValue largest element of a gradient; 0 is off
 * @param clipNorm largest global norm of the gradient, after {@code clipValue}; 0 is off
 * @param weightDecay of matrices; vectors (biases, norms) have none
 * @param window steps that the running accuracy is taken over, of documents of the stage's full length
 * @param threshold running accuracy at which a stage has learned what it is to learn
 * @param minSteps of a stage before it may have
 * @param maxSteps of a stage that never does, lessons included
 * @param consolidation steps that a stage goes on after either
 * @param earlier share of documents that have the segments of a random earlier stage
 * @param memoryNoise standard deviation of the noise on memory passed from segment to segment
 * @param lessons in front of the first stage; a share {@code earlier} of that stage's documents are then like the last lessons'
 * @param finish behind the last stage
 * @param recompute whether segments are computed again on the way back: the same bits, less memory, more time
 * @param saveEvery steps between checkpoints; 0 is only at the end
 */
public record Curriculum(List<Integer> stages, int batch, double learningRate, double endLearningRate, long warmup, Decay decay,
        double clipValue, double clipNorm, double weightDecay, int window, double threshold, long minSteps, long maxSteps,
        long consolidation, double earlier, double memoryNoise, LessonPlan lessons, Finish finish, boolean recompute, long saveEvery,
        long seed) {

    /** When the learning rate falls. */
    public enum Decay {
        /** Never. */
        NONE,
        /** Over {@code maxSteps} of every stage, as the released code does over its steps. */
        STAGE,
        /** Over the consolidation of every stage. */
        CONSOLIDATION
    }

    public Curriculum {
        stages = List.copyOf(stages);
        int before = 0;
        for (int segments : stages) {
            if (segments <= before) {
                throw new IllegalArgumentException("stages must be rising numbers of segments: stages=" + stages);
            }
            before = segments;
        }
        if (stages.isEmpty()) {
            throw new IllegalArgumentException("stages must be at least one: stages=[]");
        }
        atLeast("batch", batch, 1);
        atLeast("warmup", warmup, 0);
        atLeast("window", window, 1);
        atLeast("minSteps", minSteps, 0);
        atLeast("maxSteps", maxSteps, 1);
        atLeast("consolidation", consolidation, 0);
        atLeast("saveEvery", saveEvery, 0);
        notNegative("learningRate", learningRate);
        notNegative("endLearningRate", endLearningRate);
        notNegative("clipValue", clipValue);
        notNegative("clipNorm", clipNorm);
        notNegative("weightDecay", weightDecay);
        notNegative("threshold", threshold);
        notNegative("memoryNoise", memoryNoise);
        if (!(earlier >= 0 && earlier < 1)) {
            throw new IllegalArgumentException("earlier must be in [0, 1): earlier=" + earlier);
        }
    }

    /** Stages 1 to {@code segments} of at most {@code maxSteps} steps, as specified by the paper but for the learning rate. */
    public static Curriculum to(int segments, long maxSteps, long seed) {
        return new Curriculum(IntStream.rangeClosed(1, segments).boxed().toList(), 32, 1e-3, 1e-3, 50, Decay.NONE, 5, 0, 1e-3, 50,
                0.995, 100, maxSteps, 0, 0.5, 0, LessonPlan.NONE, Finish.NONE, false, 500, seed);
    }

    /** The same with other stages. */
    public Curriculum withStages(List<Integer> segments) {
        return new Curriculum(segments, batch, learningRate, endLearningRate, warmup, decay, clipValue, clipNorm, weightDecay,
                window, threshold, minSteps, maxSteps, consolidation, earlier, memoryNoise, lessons, finish, recompute, saveEvery,
                seed);
    }

    /** Segments of a stage's documents; those of the last in the finish. */
    public int stage(int number) {
        return stages.get(Math.min(number, stages.size() - 1));
    }

    /** How many stages there are, the finish included. */
    int count() {
        return stages.size() + (finish.exists() ? 1 : 0);
    }

    boolean isFinish(int stage) {
        return stage == stages.size();
    }

    /** Steps that a stage consolidates for. */
    long consolidation(int stage) {
        return isFinish(stage) ? finish.steps() : consolidation;
    }

    /** Deviation of the noise on memory at a step. */
    double noise(Progress progress) {
        return progress.hasLessons(this) ? lessons.memoryNoise()
                : isFinish(progress.stage()) ? finish.memoryNoise() : memoryNoise;
    }

    /** The learning rate of a step. */
    double rate(Progress progress) {
        double warm = warmup == 0 ? 1 : Math.min(1, (progress.stageStep() + 1.0) / warmup);
        double fallen = switch (decay) {
            case NONE -> 0;
            case STAGE -> Math.min(1, (double) progress.stageStep() / maxSteps);
            case CONSOLIDATION -> progress.isConsolidating() && consolidation(progress.stage()) > 0
                    ? (double) (progress.stageStep() - progress.reachedAt()) / consolidation(progress.stage()) : 0;
        };
        return warm * (learningRate + (endLearningRate - learningRate) * fallen);
    }

    /** β = (0.9, 0.999), ε = 1e-8, as the released code has them. */
    AdamW.Settings optimizer(Predicate<String> decays) {
        return new AdamW.Settings(0.9, 0.999, 1e-8, weightDecay, decays);
    }

    /** By name, to save. */
    public Map<String, @Nullable Object> toMap() {
        Map<String, @Nullable Object> map = new LinkedHashMap<>();
        map.put("stages", stages);
        map.put("batch", batch);
        map.put("learning_rate", learningRate);
        map.put("end_learning_rate", endLearningRate);
        map.put("warmup", warmup);
        map.put("decay", JsonObject.nameOf(decay));
        map.put("clip_value", clipValue);
        map.put("clip_norm", clipNorm);
        map.put("weight_decay", weightDecay);
        map.put("window", window);
        map.put("threshold", threshold);
        map.put("min_steps", minSteps);
        map.put("max_steps", maxSteps);
        map.put("consolidation", consolidation);
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
        Curriculum read = new Curriculum(LongStream.of(json.integers("stages")).mapToObj(Math::toIntExact).toList(),
                Math.toIntExact(json.integer("batch")), json.number("learning_rate"), json.number("end_learning_rate"),
                json.integer("warmup"), json.choice("decay", Decay.class), json.number("clip_value"),
                json.number("clip_norm"), json.number("weight_decay"), Math.toIntExact(json.integer("window")),
                json.number("threshold"), json.integer("min_steps"), json.integer("max_steps"), json.integer("consolidation"),
                json.number("earlier"), json.number("memory_noise"),
                json.has("lessons") ? LessonPlan.read(json.object("lessons")) : LessonPlan.NONE,
                json.has("finish") ? Finish.read(json.object("finish")) : Finish.NONE, json.flag("recompute", false),
                json.integer("save_every"), json.integer("seed"));
        json.rejectUnread();
        return read;
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
