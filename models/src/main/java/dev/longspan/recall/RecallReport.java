package dev.longspan.recall;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What one step did.
 *
 * @param step counted from 1
 * @param segments of the stage
 * @param stageStep counted from 1 within the stage
 * @param taught share of the lessons in front of the first stage that are done; 1 without any
 * @param loss mean cross-entropy over the batch in nats, before the update
 * @param accuracy over the batch, before the update
 * @param runningAccuracy over the last steps' documents of the stage's length
 * @param gradientNorm before clipping
 * @param memoryBytes native memory and Java heap in use after the step
 */
public record RecallReport(long step, int segments, long stageStep, double taught, double loss, double accuracy, double runningAccuracy,
        double learningRate, double gradientNorm, double seconds, double tokensPerSecond, long memoryBytes) {

    Map<String, Object> toMap() {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("step", step);
        map.put("segments", segments);
        map.put("stage_step", stageStep);
        map.put("taught", taught);
        map.put("loss", loss);
        map.put("accuracy", accuracy);
        map.put("running_accuracy", runningAccuracy);
        map.put("lr", learningRate);
        map.put("grad_norm", gradientNorm);
        map.put("seconds", seconds);
        map.put("tokens_per_s", tokensPerSecond);
        map.put("memory_bytes", memoryBytes);
        return map;
    }
}
