package dev.longspan.recall;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.longspan.json.Json;
import dev.longspan.json.JsonObject;
import dev.longspan.recall.UpdateRule.Decay;
import dev.longspan.task.Lesson;
import java.util.List;
import org.junit.jupiter.api.Test;

final class ProgressTest {

    private static final Tally RIGHT = new Tally(10, 10);
    private static final Tally WRONG = new Tally(0, 10);

    private static final Finish FINISH = new Finish(List.of(new Finish.Stage(4, 10, 0.3), new Finish.Stage(8, 5, 0.1)), 2);

    /** Window of 2, at least 4 steps, at most 8, 3 more after either. */
    private static Curriculum curriculum(Decay decay) {
        return curriculum(List.of(1, 2), Finish.NONE, decay);
    }

    private static Curriculum curriculum(List<Integer> stages, Finish finish, Decay decay) {
        return new Curriculum(stages, 10, new UpdateRule(1, 0.5, 2, decay, 0, 0, 0), new StageEnd(2, 0.9, 4, 8, 3), 0, 0,
                LessonPlan.NONE, finish, false, 0, 1);
    }

    private static Progress after(int steps, Tally answers) {
        Progress progress = Progress.START;
        for (int i = 0; i < steps; i++) {
            progress = progress.next(answers, curriculum(Decay.NONE));
        }
        return progress;
    }

    @Test
    void aLearnedStageConsolidatesOnceItHasItsFewestSteps() {
        assertThat(after(3, RIGHT).isConsolidating()).isFalse();
        assertThat(after(4, RIGHT).reachedAt()).isEqualTo(4);
        assertThat(after(6, RIGHT).isStageDone(curriculum(Decay.NONE))).isFalse();
        assertThat(after(7, RIGHT).isStageDone(curriculum(Decay.NONE))).isTrue();
    }

    @Test
    void aStageThatIsNotLearnedGoesOnToItsMostSteps() {
        assertThat(after(7, WRONG).isConsolidating()).isFalse();
        assertThat(after(8, WRONG).reachedAt()).isEqualTo(8);
        assertThat(after(11, WRONG).isStageDone(curriculum(Decay.NONE))).isTrue();
        assertThat(after(11, WRONG).isLearned(curriculum(Decay.NONE))).isFalse();
    }

    @Test
    void onlyTheWindowOfStepsCounts() {
        Progress progress = after(5, WRONG).next(RIGHT, curriculum(Decay.NONE));
        assertThat(progress.accuracy()).isEqualTo(0.5);
        assertThat(progress.isConsolidating()).isFalse();
        assertThat(progress.next(RIGHT, curriculum(Decay.NONE)).reachedAt()).isEqualTo(7);
    }

    @Test
    void theNextStageBeginsWithoutAnswers() {
        Progress next = after(7, RIGHT).nextStage(curriculum(Decay.NONE));
        assertThat(next).isEqualTo(new Progress(7, 1, 0, Progress.NOT_YET, 0, List.of()));
    }

    @Test
    void lessonsGetHarderWithGoodAnswersOnlyAndBelongToTheFirstStage() {
        Curriculum lessons = new Curriculum(List.of(1, 2), 10, new UpdateRule(1, 1, 0, Decay.NONE, 0, 0, 0),
                new StageEnd(20, 0.5, 0, 100, 1), 0, 0, new LessonPlan(2, 5, 2, 0, 400), Finish.NONE, false, 0, 1);
        Progress progress = Progress.START;
        for (int i = 0; i < 19; i++) {
            progress = progress.next(RIGHT, lessons);
        }
        assertThat(progress.lesson()).isZero();
        for (int i = 0; i < 5; i++) {
            progress = progress.next(RIGHT, lessons);
        }
        assertThat(progress.lesson()).isEqualTo(2.5);
        assertThat(progress.wording(lessons)).isEqualTo(new Lesson(0.5, 0.25, true));
        assertThat(progress.isConsolidating()).as("all but the lessons is learned").isFalse();
        assertThat(progress.next(WRONG, lessons).next(WRONG, lessons).lesson()).as("18 of 20 are not enough").isEqualTo(3);
        assertThat(progress.nextStage(lessons).wording(lessons)).isEqualTo(Lesson.WHOLE);
        Progress stuck = Progress.START;
        for (int i = 0; i < 399; i++) {
            stuck = stuck.next(WRONG, lessons);
        }
        assertThat(stuck.isConsolidating()).as("the lessons have not taken their most steps").isFalse();
        assertThat(stuck.next(WRONG, lessons).isConsolidating()).isTrue();
        assertThat(Progress.START.wording(curriculum(Decay.NONE))).isEqualTo(Lesson.WHOLE);
    }

    @Test
    void theFinishHasLongerDocumentsARateAndNoiseOfItsOwn() {
        Curriculum curriculum = new Curriculum(List.of(1, 2), 10, new UpdateRule(1, 0, 0, Decay.NONE, 0, 0, 0),
                new StageEnd(2, 2, 4, 8, 3), 0, 0.5, LessonPlan.NONE, FINISH, false, 0, 1);
        assertThat(curriculum.allStages()).containsExactly(1, 2, 4, 8);
        assertThat(curriculum.noise(new Progress(11, 1, 0, Progress.NOT_YET, 0, List.of()))).isEqualTo(0.5);
        Progress progress = new Progress(22, 1, 11, 8, 0, List.of()).nextStage(curriculum);
        assertThat(curriculum.stage(progress.stage())).isEqualTo(4);
        assertThat(curriculum.noise(progress)).isEqualTo(2);
        for (int i = 0; i < 10; i++) {
            assertThat(progress.isStageDone(curriculum)).isFalse();
            assertThat(curriculum.rate(progress)).isCloseTo(0.3 * (1 - 0.09 * i), within(1e-12));
            progress = progress.next(WRONG, curriculum);
        }
        assertThat(progress.isStageDone(curriculum)).isTrue();
        progress = progress.nextStage(curriculum);
        assertThat(curriculum.stage(progress.stage())).isEqualTo(8);
        assertThat(curriculum.rate(progress)).isCloseTo(0.1, within(1e-12));
        assertThat(Curriculum.read(JsonObject.parse("curriculum", Json.pretty(curriculum.toMap())))).isEqualTo(curriculum);
    }

    @Test
    void theLearningRateRisesAndFallsAsTheDecaySays() {
        assertThat(curriculum(Decay.NONE).rate(Progress.START)).isEqualTo(0.5);
        assertThat(curriculum(Decay.NONE).rate(after(6, RIGHT))).isEqualTo(1);
        assertThat(curriculum(Decay.STAGE).rate(after(4, RIGHT))).isEqualTo(0.75);
        assertThat(curriculum(Decay.CONSOLIDATION).rate(after(4, RIGHT))).isEqualTo(1);
        assertThat(curriculum(Decay.CONSOLIDATION).rate(after(6, RIGHT))).isCloseTo(1 - 0.5 * 2 / 3, within(1e-12));
    }

    @Test
    void whatIsSavedIsReadBack() {
        Progress progress = after(5, RIGHT).next(WRONG, curriculum(Decay.NONE));
        assertThat(Progress.read(JsonObject.parse("state", Json.pretty(progress.toMap())))).isEqualTo(progress);
        Curriculum curriculum = curriculum(Decay.STAGE);
        assertThat(Curriculum.read(JsonObject.parse("curriculum", Json.pretty(curriculum.toMap())))).isEqualTo(curriculum);
    }

    @Test
    void stagesMustRiseIntoTheFinish() {
        assertThatThrownBy(() -> curriculum(List.of(1, 3, 3), Finish.NONE, Decay.NONE))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("stages must be rising numbers of segments: stages=[1, 3, 3]");
        assertThatThrownBy(() -> curriculum(List.of(1, 3), new Finish(List.of(new Finish.Stage(2, 1, 0)), 0), Decay.NONE))
                .hasMessage("stages must be rising numbers of segments: stages=[1, 3, 2]");
    }

    @Test
    void intervalsAreWilsons() {
        assertThat(new Tally(0, 10).low()).isCloseTo(0, within(1e-12));
        assertThat(new Tally(0, 10).high()).isCloseTo(0.27754, within(1e-5));
        assertThat(new Tally(5, 10).low()).isCloseTo(0.23659, within(1e-5));
        assertThat(new Tally(5, 10).high()).isCloseTo(0.76341, within(1e-5));
    }
}
