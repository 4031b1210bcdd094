package dev.longspan.task;

/**
 * How often {@link MemoryTask#REASONING} says things the other way round than "The hallway is east of the bathroom.", told of the
 * place that both facts share, and "What is east of the bathroom?". Both at once are hard to learn from the start.
 *
 * @param turnedFacts probability of "The bathroom is west of the hallway."
 * @param turnedQuestions probability of "What is the bathroom west of?"
 * @param toldFirst whether the facts of any task stand at the document's start
 */
public record Lesson(double turnedFacts, double turnedQuestions, boolean toldFirst) {

    /** The task itself: every wording is as likely as any other. */
    public static final Lesson WHOLE = new Lesson(0.5, 0.5, false);

    /** The same wordings, with the facts at the start. */
    public static final Lesson TOLD_FIRST = new Lesson(0.5, 0.5, true);

    public Lesson {
        if (!(turnedFacts >= 0 && turnedFacts <= 1 && turnedQuestions >= 0 && turnedQuestions <= 1)) {
            throw new IllegalArgumentException("probabilities must lie between 0 and 1: turnedFacts=" + turnedFacts
                    + ", turnedQuestions=" + turnedQuestions);
        }
    }
}
