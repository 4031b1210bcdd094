package dev.longspan.recall;

import dev.longspan.json.JsonObject;
import dev.longspan.task.Lesson;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Where a training stands: with weights and moments all that it needs to go on.
 *
 * @param step steps done
 * @param stage number of the stage from 0; the number of all stages behind the last
 * @param stageStep steps done of it
 * @param reachedAt steps of the stage after which its consolidation began; {@link #NOT_YET} before
 * @param lesson in front of the first stage, from 0 to {@link #LESSONS}: up to 1 documents grow, up to 2 facts and up to 3 questions
 *     come to be told in any wording ({@link Lesson})
 * @param recent answers of the last steps to documents of the stage's length
 */
public record Progress(long step, int stage, long stageStep, long reachedAt, double lesson, List<Tally> recent) {

    static final long NOT_YET = -1;

    static final double LESSONS = 3;

    static final Progress START = new Progress(0, 0, 0, NOT_YET, 0, List.of());

    /** Steps, and accuracy over them, that a lesson goes on after. */
    private static final int LESSON_WINDOW = 20;
    private static final double LESSON_ACCURACY = 0.9;

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
        return recent.size() >= curriculum.end().window() && accuracy() >= curriculum.end().threshold();
    }

    /** Behind one more step with these answers. */
    Progress next(Tally answers, Curriculum curriculum) {
        List<Tally> all = new ArrayList<>(recent);
        all.add(answers);
        Progress behind = new Progress(step + 1, stage, stageStep + 1, reachedAt, lessonAfter(all, curriculum),
                all.subList(Math.max(0, all.size() - curriculum.end().window()), all.size()));
        boolean ripe = behind.hasLessons(curriculum) ? behind.stageStep >= curriculum.lessons().maxSteps()
                : behind.stageStep >= curriculum.end().minSteps() && behind.isLearned(curriculum)
                        || behind.stageStep >= curriculum.end().maxSteps();
        return isConsolidating() || !ripe ? behind
                : new Progress(behind.step, stage, behind.stageStep, behind.stageStep, behind.lesson, behind.recent);
    }

    private double lessonAfter(List<Tally> answers, Curriculum curriculum) {
        List<Tally> last = answers.subList(Math.max(0, answers.size() - LESSON_WINDOW), answers.size());
        return hasLessons(curriculum) && last.size() == LESSON_WINDOW && Tally.sum(last).accuracy() > LESSON_ACCURACY
                ? Math.min(LESSONS, lesson + 1.0 / curriculum.lessons().pace()) : lesson;
    }

    /** Whether it is not the whole task yet. */
    boolean hasLessons(Curriculum curriculum) {
        return curriculum.lessons().exists() && stage == 0 && lesson < LESSONS;
    }

    /** How the next step's stories are told. */
    Lesson wording(Curriculum curriculum) {
        return hasLessons(curriculum) ? new Lesson(Math.clamp(lesson - 1, 0, 1) / 2, Math.clamp(lesson - 2, 0, 1) / 2, true)
                : Lesson.WHOLE;
    }

    boolean isStageDone(Curriculum curriculum) {
        return isConsolidating() && stageStep - reachedAt >= curriculum.consolidation(stage);
    }

    /** In front of the next stage. */
    Progress nextStage(Curriculum curriculum) {
        return new Progress(step, stage + 1, 0, curriculum.isFinish(stage + 1) ? 0 : NOT_YET, lesson, List.of());
    }

    Map<String, @Nullable Object> toMap() {
        Map<String, @Nullable Object> map = new LinkedHashMap<>();
        map.put("step", step);
        map.put("stage", stage);
        map.put("stage_step", stageStep);
        map.put("reached_at", reachedAt);
        map.put("lesson", lesson);
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
                json.integer("reached_at"), json.number("lesson"), recent);
    }
}
