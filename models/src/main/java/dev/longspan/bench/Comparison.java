package dev.longspan.bench;

import dev.longspan.backend.Backend;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One problem on several sides (backends, or peers beside one), measured in turns.
 *
 * @param gigaflop floating-point operations of one run, in 10^9; 0 where bytes are what counts
 * @param gigabytes what one run must read and write, in 10^9; 0 where operations are what counts
 */
public record Comparison(String problem, double gigaflop, double gigabytes, List<Result> results) {

    private static final double WARM_UP_SECONDS = 0.7;
    private static final double MOST_WARM_UP_SECONDS = 6;
    private static final double FASTER = 0.9;
    private static final double SECONDS_PER_SIDE = 0.5;
    private static final int LEAST_RUNS = 5;

    /** A backend's median time and how far its answer was off. */
    public record Result(String backend, double seconds, Deviation deviation) {
    }

    /** A problem set up on one side. */
    public interface Run extends AutoCloseable {
        /** Seconds of one run. */
        double seconds();

        /** How far the first run was off; IllegalStateException before it. */
        Deviation deviation();

        @Override
        void close();
    }

    /** Sets a problem up on a backend. */
    interface Setup {
        Run on(Backend backend);
    }

    static Comparison of(String problem, double gigaflop, List<Backend> backends, Setup setup) {
        Map<String, Supplier<Run>> sides = new LinkedHashMap<>();
        backends.forEach(b -> sides.put(b.name(), () -> setup.on(b)));
        return of(problem, gigaflop, 0, sides);
    }

    /** Measures sides, by name, in turns: A B A B …; medians. */
    public static Comparison of(String problem, double gigaflop, double gigabytes, Map<String, Supplier<Run>> sides) {
        List<Run> runs = new ArrayList<>();
        try {
            sides.values().forEach(side -> runs.add(side.get()));
            runs.forEach(Comparison::warmUp);
            List<List<Double>> samples = runs.stream().map(r -> (List<Double>) new ArrayList<Double>()).toList();
            double[] spent = new double[runs.size()];
            for (boolean any = true; any; ) {
                any = false;
                for (int i = 0; i < runs.size(); i++) {
                    if (spent[i] < SECONDS_PER_SIDE || samples.get(i).size() < LEAST_RUNS) {
                        double seconds = runs.get(i).seconds();
                        samples.get(i).add(seconds);
                        spent[i] += seconds;
                        any = true;
                    }
                }
            }
            List<Result> results = new ArrayList<>();
            for (int i = 0; i < runs.size(); i++) {
                results.add(new Result(List.copyOf(sides.keySet()).get(i),
                        Median.of(samples.get(i).stream().mapToDouble(s -> s).toArray()), runs.get(i).deviation()));
            }
            return new Comparison(problem, gigaflop, gigabytes, List.copyOf(results));
        } finally {
            runs.forEach(Run::close);
        }
    }

    /** Until no run has been much faster than those before it for a while: compilers finish late on a busy machine. */
    private static void warmUp(Run run) {
        double best = Double.POSITIVE_INFINITY;
        double sinceBest = 0;
        for (double spent = 0; sinceBest < WARM_UP_SECONDS && spent < MOST_WARM_UP_SECONDS; ) {
            double seconds = run.seconds();
            spent += seconds;
            sinceBest = seconds < FASTER * best ? 0 : sinceBest + seconds;
            best = Math.min(best, seconds);
        }
    }

    /** Whether every answer was right. */
    public boolean passed() {
        return results.stream().allMatch(r -> r.deviation.isWithin());
    }

    /** The problem and, for each backend, time, GFLOP/s and error beside its bound; a time whose answer is wrong is withheld. */
    public String line() {
        StringBuilder line = new StringBuilder(String.format(Locale.ROOT, "%-34s", problem));
        for (Result r : results) {
            line.append(r.deviation.isWithin()
                    ? String.format(Locale.ROOT, "  %8s %9.3f ms%s", r.backend, r.seconds * 1e3, rates(r.seconds))
                    : String.format(Locale.ROOT, "  %8s %31s", r.backend, "wrong answer"));
            line.append(String.format(Locale.ROOT, " error %.1e (of %.0e)", r.deviation.error(), r.deviation.bound()));
        }
        return line.toString();
    }

    private String rates(double seconds) {
        return (gigaflop > 0 ? String.format(Locale.ROOT, " %7.1f GFLOP/s", gigaflop / seconds) : "")
                + (gigabytes > 0 ? String.format(Locale.ROOT, " %6.1f GB/s", gigabytes / seconds) : "");
    }

    /** Every figure by name. */
    public Map<String, @Nullable Object> figures() {
        Map<String, @Nullable Object> figures = new LinkedHashMap<>();
        figures.put("problem", problem);
        figures.put("gigaflop", gigaflop);
        figures.put("gigabytes", gigabytes);
        for (Result r : results) {
            Map<String, Object> one = new LinkedHashMap<>();
            if (r.deviation.isWithin()) {
                one.put("seconds", r.seconds);
            }
            one.put("error", r.deviation.error());
            one.put("bound", r.deviation.bound());
            figures.put(r.backend, one);
        }
        return figures;
    }
}
