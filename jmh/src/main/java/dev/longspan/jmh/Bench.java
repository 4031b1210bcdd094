package dev.longspan.jmh;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * {@code make bench}: families beside their peers, in turns, into {@code results/<cpu>.json}, {@code .md} and
 * {@code .svg}.
 */
final class Bench {

    private final Peers peers;
    private final Request request;
    private Results results;
    private @Nullable Path written;
    private boolean passed = true;

    private Bench(Peers peers, Request request, Results before) {
        this.peers = peers;
        this.request = request;
        results = before;
    }

    /** See {@link Request}. Exit status 1 if an answer is wrong, 2 if the arguments are. */
    public static void main(String[] args) throws IOException {
        if (List.of(args).contains("--help")) {
            IO.print(Request.HELP);
            return;
        }
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

    /** Whether every answer was right. */
    private static boolean run(Request request) throws IOException {
        long begin = System.nanoTime();
        Results before = Results.read(request.folder(), Machine.describe());
        if (request.only().isEmpty()) {
            IO.println("about " + estimate(request.sections(), before) + " minutes");
        }
        try (Peers peers = Peers.find()) {
            peers.absent().entrySet().forEach(peer -> IO.println(Markdown.ofAbsent(peer)));
            Bench bench = new Bench(peers, request, before);
            for (Section section : request.sections()) {
                if (secondsSince(begin) + section.estimatedSeconds(before) > 60 * request.minutes()) {
                    IO.println("== " + section + ": left out, no time left");
                } else {
                    bench.measure(section);
                }
            }
            IO.println(bench.written == null ? "not written: only some problems were measured" : bench.written);
            return bench.passed;
        }
    }

    private static long estimate(List<Section> sections, Results before) {
        return Math.round(sections.stream().mapToDouble(section -> section.estimatedSeconds(before)).sum() / 60);
    }

    private static double secondsSince(long begin) {
        return (System.nanoTime() - begin) * 1e-9;
    }

    private void measure(Section section) throws IOException {
        IO.println("== " + section);
        long begin = System.nanoTime();
        int threads = section.threads();
        Map<String, String> circumstances = Machine.circumstances(Request.command(section), request.folder());
        Limits limits = Limits.measure(threads);
        Map<String, String> absent = new LinkedHashMap<>(peers.absent());
        List<Row> rows = new ArrayList<>();
        for (String name : request.problems(section.family())) {
            try (Problem problem = section.family().open().apply(name)) {
                Map<String, Side> own = problem.own(threads);
                BiConsumer<String, String> refused = (side, why) -> {
                    note(absent, side + " at " + problem.name(), why);
                    passed &= !own.containsKey(side);
                };
                Map<String, Side> sides = new LinkedHashMap<>(own);
                if (problem.hasPeers()) {
                    sides.putAll(peers.sides(problem.task(), threads, refused));
                }
                Row row = Turns.measure(problem, sides, Turns.Pace.ofJvm(threads), refused);
                passed &= row.passed();
                rows.add(row);
                IO.println(Markdown.of(row));
            } catch (RuntimeException | LinkageError e) {
                // One problem that fails hides no other's figures.
                passed = false;
                note(absent, name, "failed: " + e);
            }
            circumstances.put(Run.TOOK, Math.round(secondsSince(begin)) + " s");
            keep(new Run(section.family().name(), threads, circumstances, limits, peers.versions(), absent, rows));
        }
        keep(new Run(section.family().name(), threads, circumstances, limits.most(Limits.measure(threads)),
                peers.versions(), absent, rows));
    }

    /** After each problem: a run that is cut off leaves what it measured. Nothing where only some problems count. */
    private void keep(Run run) throws IOException {
        if (request.only().isEmpty()) {
            results = results.with(run);
            written = results.write(request.folder());
        }
    }

    private static void note(Map<String, String> absent, String what, String why) {
        absent.put(what, why);
        IO.println(what + ": " + why);
    }
}
