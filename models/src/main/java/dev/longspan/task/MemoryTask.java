package dev.longspan.task;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/** The paper's tasks, each a choice among six {@link Place}s: told in the style of bAbI's tasks 1 and 4, by a generator of our own. */
public enum MemoryTask {
    /** Who went where, told at the document's start. */
    MEMORIZE(0, 1, 11),
    /** Who went where, told anywhere. */
    DETECT(1, 1, 11),
    /**
     * Two of three places' relations along one axis, told anywhere. Each question is about two neighbours and either fact equally
     * often, so that one fact alone holds the answer to half of them. As in bAbI half of the questions are about the place that
     * both facts share and half about one of the ends, whose answer is the shared place.
     */
    REASONING(2, 2, 23);

    private static final List<String> PEOPLE = List.of("Daniel", "John", "Mary", "Sandra");
    private static final List<String> MOVES = List.of("went to", "went back to", "moved to", "journeyed to", "travelled to");
    private static final List<Place> PLACES = List.of(Place.values());
    private static final List<Direction> DIRECTIONS = List.of(Direction.values());

    private final int number;
    private final int facts;
    private final int mostTokens;

    MemoryTask(int number, int facts, int mostTokens) {
        this.number = number;
        this.facts = facts;
        this.mostTokens = mostTokens;
    }

    /** What keeps its draws apart from other tasks'. */
    int number() {
        return number;
    }

    /** How many facts a document hides. */
    public int facts() {
        return facts;
    }

    /** Tokens of the longest facts and question: a document that has so many has room for any. */
    public int mostTokens() {
        return mostTokens;
    }

    /** Every word that a story of any task may hold, in lower case. */
    static List<String> words() {
        Stream<String> sentences = Stream.of(
                PEOPLE.stream(), MOVES.stream(), PLACES.stream().map(Place::word), DIRECTIONS.stream().map(Direction::word),
                Stream.of("Where is the? What is of.")).flatMap(part -> part);
        List<String> words = new ArrayList<>();
        sentences.forEach(sentence -> Words.each(sentence, words::add));
        return words.stream().distinct().toList();
    }

    /** A story by these draws. */
    Story story(Draws draws, Lesson lesson) {
        return this == REASONING ? reasoning(draws, lesson) : move(draws);
    }

    private static Story move(Draws draws) {
        String who = draws.of(PEOPLE);
        Place where = draws.of(PLACES);
        return new Story(List.of("%s %s the %s.".formatted(who, draws.of(MOVES), where.word())), "Where is %s?".formatted(who), where);
    }

    /** With a drawn axis and three drawn places on it in line, either order of the facts is as likely as the other. */
    private static Story reasoning(Draws draws, Lesson lesson) {
        List<Place> rest = new ArrayList<>(PLACES);
        List<Place> line = new ArrayList<>();
        while (line.size() < 3) {
            line.add(rest.remove((int) draws.below(rest.size())));
        }
        Direction onwards = draws.of(DIRECTIONS);
        Place shared = line.get(1);
        List<String> facts = Stream.of(onwards.opposite(), onwards).map(side -> {
            Place end = line.get(side == onwards ? 2 : 0);
            return draws.chance(lesson.turnedFacts()) ? fact(shared, side.opposite(), end) : fact(end, side, shared);
        }).toList();
        int asked = (int) draws.below(facts.size());
        boolean forth = draws.coin();
        Place from = line.get(forth ? asked : asked + 1);
        Place answer = line.get(forth ? asked + 1 : asked);
        Direction towards = forth ? onwards : onwards.opposite();
        String question = draws.chance(lesson.turnedQuestions())
                ? "What is the %s %s of?".formatted(from.word(), towards.opposite().word())
                : "What is %s of the %s?".formatted(towards.word(), from.word());
        return new Story(facts, question, answer);
    }

    private static String fact(Place one, Direction side, Place other) {
        return "The %s is %s of the %s.".formatted(one.word(), side.word(), other.word());
    }

    /** The task of that name, in any case. */
    public static MemoryTask named(String name) {
        return Arrays.stream(values()).filter(task -> task.name().equalsIgnoreCase(name)).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("task must be one of memorize, detect, reasoning: task="
                        + name.toLowerCase(Locale.ROOT)));
    }
}
