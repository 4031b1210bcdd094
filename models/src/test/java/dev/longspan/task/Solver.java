package dev.longspan.task;

import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Answers questions from their text alone, by trying all places: shares nothing with the generator but bAbI's language. */
final class Solver {

    private static final Pattern MOVE = Pattern.compile("(\\w+) (?:went|went back|moved|journeyed|travelled) to the (\\w+)\\.");
    private static final Pattern WHERE = Pattern.compile("Where is (\\w+)\\?");
    private static final Pattern RELATION = Pattern.compile("The (\\w+) is (north|south|east|west) of the (\\w+)\\.");
    private static final Pattern WHAT = Pattern.compile("What is (north|south|east|west) of the (\\w+)\\?");
    private static final Pattern WHAT_OF = Pattern.compile("What is the (\\w+) (north|south|east|west) of\\?");
    private static final List<String> PLACES = List.of("bathroom", "bedroom", "garden", "hallway", "kitchen", "office");

    private Solver() {
    }

    /** Every place that the facts, each taken for itself, say is an answer. */
    static Set<String> answers(List<String> facts, String question) {
        Set<String> answers = new TreeSet<>();
        for (String place : PLACES) {
            if (facts.stream().anyMatch(fact -> says(fact, question, place))) {
                answers.add(place);
            }
        }
        return answers;
    }

    private static boolean says(String fact, String question, String place) {
        Matcher where = WHERE.matcher(question);
        if (where.matches()) {
            Matcher move = MOVE.matcher(fact);
            return matches(move, fact) && move.group(1).equals(where.group(1)) && move.group(2).equals(place);
        }
        Matcher what = WHAT.matcher(question);
        Matcher whatOf = WHAT_OF.matcher(question);
        if (what.matches()) {
            return relates(fact, place, what.group(1), what.group(2));
        }
        return matches(whatOf, question) && relates(fact, whatOf.group(1), whatOf.group(2), place);
    }

    private static boolean relates(String fact, String one, String direction, String other) {
        Matcher relation = RELATION.matcher(fact);
        return matches(relation, fact)
                && (relation.group(1).equals(one) && relation.group(2).equals(direction) && relation.group(3).equals(other)
                || relation.group(1).equals(other) && relation.group(2).equals(reverse(direction)) && relation.group(3).equals(one));
    }

    private static String reverse(String direction) {
        return switch (direction) {
            case "north" -> "south";
            case "south" -> "north";
            case "east" -> "west";
            default -> "east";
        };
    }

    private static boolean matches(Matcher matcher, String sentence) {
        if (!matcher.matches()) {
            throw new AssertionError("no sentence of bAbI's: " + sentence);
        }
        return true;
    }
}
