package dev.longspan.recall;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A finished stage.
 *
 * @param step the last of the stage, counted from 1 over the whole training
 * @param steps of the stage
 * @param learned whether its running accuracy is at the threshold in the end
 * @param seconds since this stage began or the run was resumed
 * @param folder where the model of this stage lies
 */
public record StageReport(int segments, long step, long steps, double runningAccuracy, boolean learned, double seconds,
        Path folder) {

    /** By name, for logs and results. */
    public Map<String, Object> toMap() {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("step", step);
        map.put("stage", segments);
        map.put("stage_steps", steps);
        map.put("running_accuracy", runningAccuracy);
        map.put("learned", learned);
        map.put("stage_seconds", seconds);
        map.put("folder", String.valueOf(folder.getFileName()));
        return map;
    }
}
