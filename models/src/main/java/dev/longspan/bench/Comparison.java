package dev.longspan.bench;

import dev.longspan.backend.Backend;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One problem on several backends, measured in turns.
 *
 * @param gigaflop floating-point operations of one run, in 10^9
 */
public record Comparison(String problem, double gigaflop, List<Result> results) {

    private static final double WARM_UP_SECONDS = 0.7;
    private static final double SECONDS_PER_BACKEND = 0.5;

    /** A backend's median time and how far its answer was off. */
    public record Result(String backend, double seconds, Deviation deviation) {
    }

    /** A problem set up on one backend. */
    interface Run extends AutoCloseable {
        double seconds();

        Deviation deviation();

        @Override
        void close();
    }

    /** Sets a problem up on a backend. */
    interface Setup {
        Run on(Backend backend);
    }

    static Comparison of(String problem, double gigaflop, List<Backend> backends, Setup setup) {
        List<Run> runs = new ArrayList<>();
        try {
            backends.forEach(b -> runs.add(setup.on(b)));
            runs.forEach(Comparison::warmUp);
            List<List<Double>> samples = runs.stream().map(r -> (List<Double>) new ArrayList<Double>()).toList();
            double[] spent = new double[runs.size()];
            for (boolean any = true; any; ) {
                any = false;
                for (int i = 0; i < runs.size(); i++) {
                    if (spent[i] < SECONDS_PER_BACKEND) {
                        double seconds = runs.get(i).seconds();
                        samples.get(i).add(seconds);
                        spent[i] += seconds;
                        any = true;
                    }
                }
            }
            List<Result> results = new ArrayList<>();
            for (int i = 0; i < runs.size(); i++) {
                results.add(new Result(backends.get(i).name(),
                        Median.of(samples.get(i).stream().mapToDouble(s -> s).toArray()), runs.get(i).deviation()));
            }
            return new Comparison(problem, gigaflop, List.copyOf(results));
        } finally {
            runs.forEach(Run::close);
        }
    }

    private static void warmUp(Run run) {
        for (double spent = 0; spent < WARM_UP_SECONDS; ) {
            spent += run.seconds();
        }
    }

    /** Whether every answer was right. */
    public boolean passed() {
        return results.stream().allMatch(r -> r.deviation.isWithin());
    }

    /** The problem and, for each backend, time, GFLOP/s and error beside its bound; a time whose answer is wrong is withheld. */
    public String line() {
        StringBuilder line = new StringBuilder(String.format(Locale.ROOT, "%-32s", problem));
        for (Result r : results) {
            line.append(r.deviation.isWithin()
                    ? String.format(Locale.ROOT, "  %8s %9.3f ms %7.1f GFLOP/s", r.backend, r.seconds * 1e3, gigaflop / r.seconds)
                    : String.format(Locale.ROOT, "  %8s %31s", r.backend, "wrong answer"));
            line.append(String.format(Locale.ROOT, " error %.1e (of %.0e)", r.deviation.error(), r.deviation.bound()));
        }
        return line.toString();
    }

    /** Every figure by name. */
    public Map<String, @Nullable Object> figures() {
        Map<String, @Nullable Object> figures = new LinkedHashMap<>();
        figures.put("problem", problem);
        figures.put("gigaflop", gigaflop);
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
