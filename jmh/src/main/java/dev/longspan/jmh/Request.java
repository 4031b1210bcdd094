package dev.longspan.jmh;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What is to be measured.
 *
 * @param folder of results
 * @param families by name
 * @param threads one run each
 * @param minutes no further family is begun where it would end later; infinite for all
 * @param only part of the names of problems that count, or a problem that is not listed; empty for all
 */
record Request(Path folder, List<String> families, List<Integer> threads, double minutes, String only) {

    Request {
        families.forEach(Family::of);
        if (threads.isEmpty() || threads.stream().anyMatch(t -> t < 1)) {
            throw new IllegalArgumentException("threads must be at least 1: threads=" + threads);
        }
    }

    /** {@code FOLDER [family…] [--threads 1,2] [--minutes 60] [--only TEXT]}; all families where none is named. */
    static Request of(String... arguments) {
        if (arguments.length == 0) {
            throw new IllegalArgumentException("the folder of results must be given");
        }
        List<String> families = new ArrayList<>();
        List<Integer> threads = List.of(1);
        double minutes = Double.POSITIVE_INFINITY;
        String only = "";
        for (int i = 1; i < arguments.length; i++) {
            switch (arguments[i]) {
                case "--threads" -> threads = Arrays.stream(value(arguments, ++i).split(",", -1))
                        .map(text -> number("threads", text)).toList();
                case "--minutes" -> minutes = number("minutes", value(arguments, ++i));
                case "--only" -> only = value(arguments, ++i);
                default -> families.add(arguments[i]);
            }
        }
        return new Request(Path.of(arguments[0]), families.isEmpty() ? Family.names() : List.copyOf(families), threads,
                minutes, only);
    }

    private static String value(String[] arguments, int at) {
        if (at == arguments.length) {
            throw new IllegalArgumentException(arguments[at - 1] + " needs a value");
        }
        return arguments[at];
    }

    private static int number(String name, String text) {
        try {
            return Integer.parseInt(text);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(name + " must be numbers: " + name + "=" + text, e);
        }
    }

    /** How one family of it is measured again. */
    static String command(Section section) {
        return "make bench ARGS=\"" + section.family().name() + " --threads " + section.threads() + "\"";
    }

    /** What is measured, in this order: all families on so many threads, then on the next number of them. */
    List<Section> sections() {
        return threads.stream().flatMap(t -> families.stream().map(name -> Section.of(Family.of(name), t))).distinct()
                .toList();
    }

    /** The problems of a family that count: those that contain the text, or where none does the one that it names. */
    List<String> problems(Family family) {
        List<String> listed = family.problems().stream().filter(p -> p.contains(only)).toList();
        return listed.isEmpty() ? List.of(only) : listed;
    }
}
