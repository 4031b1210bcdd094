package dev.longspan.recall;

import dev.longspan.json.JsonObject;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Where a training stands: with weights and moments all that it needs to go on.
 *
 * @param step steps done
 * @param stage number of the stage from 0; as many as there are stages behind the last
 * @param stageStep steps done of it
 * @param reachedAt steps of the stage after which its consolidation began; {@link #NOT_YET} before
 * @param recent answers of the last steps to documents of the stage's length
 */
public record Progress(long step, int stage, long stageStep, long reachedAt, List<Tally> recent) {

    static final long NOT_YET = -1;

    static final Progress START = new Progress(0, 0, 0, NOT_YET, List.of());

    public Progress {
        recent = List.copyOf(recent);
        if (step < 0 || stage < 0 || stageStep < 0 || stageStep > step || reachedAt < NOT_YET || reachedAt > stageStep) {
            throw new IllegalArgumentException("progress must have 0 <= reached_at <= stage_step <= step: step=" + step
                    + ", stage=" + stage + ", stage_step=" + stageStep + ", reached_at=" + reachedAt);
        }
    }

    boolean isConsolidating() {
        return reachedAt != NOT_YET;
    }

    /** Accuracy over the recent steps; NaN before the first. */
    double accuracy() {
        return Tally.sum(recent).accuracy();
    }

    /** Whether the recent steps are as good as the curriculum asks for. */
    boolean isLearned(Curriculum curriculum) {
        return recent.size() >= curriculum.window() && accuracy() >= curriculum.threshold();
    }

    /** Behind one more step with these answers. */
    Progress next(Tally answers, Curriculum curriculum) {
        List<Tally> all = new ArrayList<>(recent);
        all.add(answers);
        Progress behind = new Progress(step + 1, stage, stageStep + 1, reachedAt,
                all.subList(Math.max(0, all.size() - curriculum.window()), all.size()));
        boolean ripe = behind.stageStep >= curriculum.minSteps() && behind.isLearned(curriculum)
                || behind.stageStep >= curriculum.maxSteps();
        return isConsolidating() || !ripe ? behind
                : new Progress(behind.step, stage, behind.stageStep, behind.stageStep, behind.recent);
    }

    boolean isStageDone(Curriculum curriculum) {
        return isConsolidating() && stageStep - reachedAt >= curriculum.consolidation();
    }

    /** In front of the next stage. */
    Progress nextStage() {
        return new Progress(step, stage + 1, 0, NOT_YET, List.of());
    }

    Map<String, @Nullable Object> toMap() {
        Map<String, @Nullable Object> map = new LinkedHashMap<>();
        map.put("step", step);
        map.put("stage", stage);
        map.put("stage_step", stageStep);
        map.put("reached_at", reachedAt);
        map.put("right", recent.stream().map(Tally::right).toList());
        map.put("asked", recent.stream().map(Tally::asked).toList());
        return map;
    }

    /** What {@link #toMap} gave; throws IllegalArgumentException naming what is wrong. */
    static Progress read(JsonObject json) {
        long[] right = json.integers("right");
        long[] asked = json.integers("asked");
        if (right.length != asked.length) {
            throw new IllegalArgumentException("right and asked must be equally many: right=" + right.length + ", asked="
                    + asked.length);
        }
        List<Tally> recent = new ArrayList<>();
        for (int i = 0; i < right.length; i++) {
            recent.add(new Tally(right[i], asked[i]));
        }
        return new Progress(json.integer("step"), Math.toIntExact(json.integer("stage")), json.integer("stage_step"),
                json.integer("reached_at"), recent);
    }
}
