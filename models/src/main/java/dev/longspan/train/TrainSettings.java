package dev.longspan.train;

import dev.longspan.autograd.Checkpoints;
import dev.longspan.optim.AdamW;
import dev.longspan.optim.Schedule;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Everything that decides the numbers of a run but model, text and backend.
 *
 * @param context tokens of one sequence
 * @param batch sequences computed at once
 * @param accumulation batches summed into one step
 * @param steps of the whole run: the learning rate falls along half a cosine over them
 * @param learningRate the highest, after {@code warmup} steps
 * @param endLearningRate at the last step
 * @param clip largest global norm of the gradient; 0 is off
 * @param weightDecay of matrices; vectors (biases, norms) have none
 * @param evalEvery steps between evaluations on held-out text; 0 is only at the end
 * @param evalBytes held-out bytes of one evaluation, about
 * @param saveEvery steps between checkpoints; 0 is only at the end
 * @param keep how many checkpoints stay
 * @param packing whether documents in one sequence see each other
 * @param checkpoints what the model was built to keep between layers: it is built alike to go on
 */
public record TrainSettings(int context, int batch, int accumulation, long steps, double learningRate, double endLearningRate,
        long warmup, double clip, double weightDecay, long evalEvery, long evalBytes, long saveEvery, int keep, long seed,
        Packing packing, Checkpoints checkpoints) {

    /** What a token of a sequence may use. */
    public enum Packing {
        /** All tokens before it. */
        STREAM,
        /** Those of its document, with models that can tell them apart. */
        DOCUMENTS
    }

    public TrainSettings {
        positive("context", context);
        positive("batch", batch);
        positive("accumulation", accumulation);
        positive("steps", steps);
        positive("evalBytes", evalBytes);
        positive("keep", keep);
        notNegative("learningRate", learningRate);
        notNegative("endLearningRate", endLearningRate);
        notNegative("warmup", warmup);
        notNegative("clip", clip);
        notNegative("weightDecay", weightDecay);
        notNegative("evalEvery", evalEvery);
        notNegative("saveEvery", saveEvery);
    }

    /** With documents that see each other and nothing recomputed. */
    public TrainSettings(int context, int batch, int accumulation, long steps, double learningRate, double endLearningRate,
            long warmup, double clip, double weightDecay, long evalEvery, long evalBytes, long saveEvery, int keep, long seed) {
        this(context, batch, accumulation, steps, learningRate, endLearningRate, warmup, clip, weightDecay, evalEvery, evalBytes,
                saveEvery, keep, seed, Packing.STREAM, Checkpoints.NONE);
    }

    /** One sequence a step, learning rate 1e-3 to a tenth of it, warm-up over a tenth of the steps, clipping at 1. */
    public static TrainSettings standard(int context, long steps, long seed) {
        return new TrainSettings(context, 1, 1, steps, 1e-3, 1e-4, steps / 10, 1, 0.01, 100, 64 << 10, 500, 2, seed);
    }

    /** The same run, longer or shorter. */
    public TrainSettings withSteps(long all) {
        return new TrainSettings(context, batch, accumulation, all, learningRate, endLearningRate, warmup, clip, weightDecay,
                evalEvery, evalBytes, saveEvery, keep, seed, packing, checkpoints);
    }

    /** The same run with another highest learning rate and a tenth of it at the end. */
    public TrainSettings withLearningRate(double highest) {
        return new TrainSettings(context, batch, accumulation, steps, highest, highest / 10, warmup, clip, weightDecay,
                evalEvery, evalBytes, saveEvery, keep, seed, packing, checkpoints);
    }

    /** The same run with documents that see each other or do not. */
    public TrainSettings withPacking(Packing other) {
        return new TrainSettings(context, batch, accumulation, steps, learningRate, endLearningRate, warmup, clip, weightDecay,
                evalEvery, evalBytes, saveEvery, keep, seed, other, checkpoints);
    }

    /** The same run of a model that keeps this for the way back. */
    public TrainSettings withCheckpoints(Checkpoints kept) {
        return new TrainSettings(context, batch, accumulation, steps, learningRate, endLearningRate, warmup, clip, weightDecay,
                evalEvery, evalBytes, saveEvery, keep, seed, packing, kept);
    }

    /** Tokens that one step reads. */
    public long tokensPerStep() {
        return (long) context * batch * accumulation;
    }

    Schedule schedule() {
        return Schedule.cosine(learningRate, endLearningRate, steps).withWarmup(warmup);
    }

    /** β = (0.9, 0.98), ε = 1e-8: LongNet, table 3. */
    AdamW.Settings optimizer(java.util.function.Predicate<String> decays) {
        return new AdamW.Settings(0.9, 0.98, 1e-8, weightDecay, decays);
    }

    /** By name, to save. */
    public Map<String, Object> toMap() {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("context", context);
        map.put("batch", batch);
        map.put("accumulation", accumulation);
        map.put("steps", steps);
        map.put("learning_rate", learningRate);
        map.put("end_learning_rate", endLearningRate);
        map.put("warmup", warmup);
        map.put("clip", clip);
        map.put("weight_decay", weightDecay);
        map.put("eval_every", evalEvery);
        map.put("eval_bytes", evalBytes);
        map.put("save_every", saveEvery);
        map.put("keep", keep);
        map.put("seed", seed);
        map.put("packing", text(packing));
        map.put("recompute", text(checkpoints));
        return map;
    }

    /** What {@link #toMap} gave; throws IllegalArgumentException where a number is missing. */
    public static TrainSettings of(Map<?, ?> map) {
        return new TrainSettings(whole(map, "context"), whole(map, "batch"), whole(map, "accumulation"),
                number(map, "steps").longValue(), number(map, "learning_rate").doubleValue(),
                number(map, "end_learning_rate").doubleValue(), number(map, "warmup").longValue(),
                number(map, "clip").doubleValue(), number(map, "weight_decay").doubleValue(),
                number(map, "eval_every").longValue(), number(map, "eval_bytes").longValue(),
                number(map, "save_every").longValue(), whole(map, "keep"), number(map, "seed").longValue(),
                choice(map, "packing", Packing.STREAM), choice(map, "recompute", Checkpoints.NONE));
    }

    /** Runs of earlier versions lack some. */
    private static <E extends Enum<E>> E choice(Map<?, ?> map, String name, E ifAbsent) {
        @Nullable Object value = map.get(name);
        List<E> choices = List.of(ifAbsent.getDeclaringClass().getEnumConstants());
        return value == null ? ifAbsent : choices.stream().filter(choice -> text(choice).equals(value)).findFirst()
                .orElseThrow(() -> new IllegalArgumentException(name + " must be "
                        + choices.stream().map(TrainSettings::text).collect(Collectors.joining(" or ")) + ": " + name + "="
                        + value));
    }

    private static String text(Enum<?> choice) {
        return choice.name().toLowerCase(Locale.ROOT);
    }

    private static int whole(Map<?, ?> map, String name) {
        return Math.toIntExact(number(map, name).longValue());
    }

    private static Number number(Map<?, ?> map, String name) {
        @Nullable Object value = map.get(name);
        if (value instanceof Number number) {
            return number;
        }
        throw new IllegalArgumentException(name + " must be a number: " + name + "=" + value);
    }

    private static void positive(String name, long value) {
        if (value <= 0) {
            throw new IllegalArgumentException(name + " must be positive: " + name + "=" + value);
        }
    }

    private static void notNegative(String name, double value) {
        if (!(value >= 0 && Double.isFinite(value))) {
            throw new IllegalArgumentException(name + " must be finite and not negative: " + name + "=" + value);
        }
    }
}
