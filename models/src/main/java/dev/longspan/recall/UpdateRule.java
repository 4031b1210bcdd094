package dev.longspan.recall;

import dev.longspan.json.JsonObject;
import dev.longspan.optim.AdamW;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * How a step changes the weights: AdamW's settings, schedule and clipping.
 *
 * @param warmup steps of rising learning rate at the start of every stage
 * @param decay when the rate falls from {@code learningRate} to {@code endLearningRate}
 * @param clipValue largest element of a gradient; 0 is off
 * @param clipNorm largest global norm of the gradient, after {@code clipValue}; 0 is off
 * @param weightDecay of matrices; vectors (biases, norms) have none
 */
public record UpdateRule(double learningRate, double endLearningRate, long warmup, Decay decay, double clipValue, double clipNorm,
        double weightDecay) {

    /** When the learning rate falls. */
    public enum Decay {
        /** Never. */
        NONE,
        /** Over the most steps of every stage, as the released code does over its steps. */
        STAGE,
        /** Over the consolidation of every stage. */
        CONSOLIDATION
    }

    public UpdateRule {
        Curriculum.notNegative("learningRate", learningRate);
        Curriculum.notNegative("endLearningRate", endLearningRate);
        Curriculum.atLeast("warmup", warmup, 0);
        Curriculum.notNegative("clipValue", clipValue);
        Curriculum.notNegative("clipNorm", clipNorm);
        Curriculum.notNegative("weightDecay", weightDecay);
    }

    /** The share of the highest rate that a stage's step has during the warm-up. */
    double warm(long stageStep) {
        return warmup == 0 ? 1 : Math.min(1, (stageStep + 1.0) / warmup);
    }

    /** β = (0.9, 0.999), ε = 1e-8, as the released code has them. */
    AdamW.Settings optimizer(Predicate<String> decays) {
        return new AdamW.Settings(0.9, 0.999, 1e-8, weightDecay, decays);
    }

    void put(Map<String, @Nullable Object> map) {
        map.put("learning_rate", learningRate);
        map.put("end_learning_rate", endLearningRate);
        map.put("warmup", warmup);
        map.put("decay", JsonObject.nameOf(decay));
        map.put("clip_value", clipValue);
        map.put("clip_norm", clipNorm);
        map.put("weight_decay", weightDecay);
    }

    static UpdateRule read(JsonObject json) {
        return new UpdateRule(json.number("learning_rate"), json.number("end_learning_rate"), json.integer("warmup"),
                json.choice("decay", Decay.class), json.number("clip_value"), json.number("clip_norm"),
                json.number("weight_decay"));
    }
}
