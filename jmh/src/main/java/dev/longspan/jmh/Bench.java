package dev.longspan.jmh;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** {@code make bench}: families beside their peers, in turns, into {@code results/<cpu>.json}, {@code .md}, {@code .svg} and {@code .png}. */
final class Bench {

    private final Peers peers;

    private Bench(Peers peers) {
        this.peers = peers;
    }

    /** See {@link Request}. Exit status 1 if an answer is wrong, 2 if the arguments are. */
    public static void main(String[] args) throws IOException {
        Request request;
        try {
            request = Request.of(args);
        } catch (IllegalArgumentException e) {
            System.err.println("error: " + e.getMessage());
            System.exit(2);
            return;
        }
        System.exit(run(request) ? 0 : 1);
    }

    /** Whether every answer was right. After each family the results are written, unless only some of its problems count. */
    private static boolean run(Request request) throws IOException {
        boolean passed = true;
        try (Peers peers = Peers.find()) {
            peers.absent().entrySet().forEach(peer -> IO.println(Markdown.ofAbsent(peer)));
            Bench bench = new Bench(peers);
            Results results = Results.read(request.folder(), Machine.describe());
            Path written = null;
            for (String name : request.families()) {
                for (int threads : request.threads()) {
                    Family family = Family.of(name);
                    Run run = bench.measure(family, request.problems(family), threads);
                    passed &= run.passed();
                    if (request.only().isEmpty()) {
                        results = results.with(run);
                        written = results.write(request.folder());
                    }
                }
            }
            IO.println(written == null ? "not written: only some problems were measured" : written);
        }
        return passed;
    }

    private Run measure(Family family, List<String> problems, int threads) {
        IO.println("== " + family.name() + ", " + threads + (threads == 1 ? " thread" : " threads"));
        Map<String, String> circumstances = Machine.circumstances(Request.command(family.name(), threads));
        Limits limits = Limits.measure(threads);
        Map<String, String> absent = new LinkedHashMap<>(peers.absent());
        List<Row> rows = new ArrayList<>();
        for (String name : problems) {
            try (Problem problem = family.open().apply(name)) {
                Map<String, Side> sides = new LinkedHashMap<>(Measured.own(problem, threads));
                sides.putAll(peers.sides(problem.task(), threads));
                Row row = Turns.measure(problem, sides, Turns.Pace.OF_JVM, (side, why) -> {
                    absent.put(side + " at " + problem.name(), why);
                    IO.println(side + " refused: " + why);
                });
                rows.add(row);
                IO.println(Markdown.of(row));
            }
        }
        return new Run(family.name(), threads, circumstances, limits.most(Limits.measure(threads)), peers.versions(), absent, rows);
    }
}
