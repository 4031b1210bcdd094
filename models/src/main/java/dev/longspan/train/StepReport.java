package dev.longspan.train;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What one step did.
 *
 * @param step counted from 1
 * @param loss mean cross-entropy in nats a token, before the update
 * @param gradientNorm before clipping
 * @param memoryBytes native memory and Java heap in use after the step
 */
public record StepReport(long step, double loss, double learningRate, double gradientNorm, double tokensPerSecond,
        long memoryBytes) {

    /** The loss in bits. */
    public double bitsPerByte() {
        return loss / Math.log(2);
    }

    Map<String, Object> toMap() {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("step", step);
        map.put("loss", loss);
        map.put("bpb", bitsPerByte());
        map.put("lr", learningRate);
        map.put("grad_norm", gradientNorm);
        map.put("tokens_per_s", tokensPerSecond);
        map.put("memory_bytes", memoryBytes);
        return map;
    }
}
