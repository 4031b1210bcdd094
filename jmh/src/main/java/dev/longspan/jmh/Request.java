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

    static final String HELP = """
            make bench ARGS="[family...] [--threads 1,2] [--minutes 60] [--only TEXT]"

            family     among %s; all where none is named
            --threads  one run each; 1 where nothing is said
            --minutes  no family is begun that would end later
            --only     problems whose names contain the text, or one of a family that is not listed; results stay

            Exit status 1 if an answer is wrong, 2 if the arguments are.
            """.formatted(Family.names());

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
                default -> {
                    if (arguments[i].startsWith("-")) {
                        throw new IllegalArgumentException(
                                "options must be among --threads, --minutes, --only, --help: option=" + arguments[i]);
                    }
                    families.add(arguments[i]);
                }
            }
        }
        Request request = new Request(Path.of(arguments[0]),
                families.isEmpty() ? Family.names() : List.copyOf(families), threads, minutes, only);
        if (request.sections().isEmpty()) {
            throw new IllegalArgumentException(
                    "no problem's name contains the text, and no single family is named: only=" + only);
        }
        return request;
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
        List<Family> some = families.stream().map(Family::of).filter(of -> !problems(of).isEmpty()).toList();
        return threads.stream().flatMap(t -> some.stream().map(of -> Section.of(of, t))).distinct().toList();
    }

    /** Of a family: those that contain the text; where none does, and no other is named, the one that it names. */
    List<String> problems(Family family) {
        List<String> listed = family.problems().stream().filter(p -> p.contains(only)).toList();
        return listed.isEmpty() && families.size() == 1 ? List.of(only) : listed;
    }
}
