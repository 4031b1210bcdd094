package dev.longspan.jmh;

import dev.longspan.bench.Deviation;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A family measured with so many threads, 0 on a device.
 *
 * @param circumstances command, commit, date and load, by name
 * @param versions of the peers present
 * @param absent why the others are, by name
 */
record Run(String family, int threads, Map<String, String> circumstances, Limits limits, Map<String, String> versions,
        Map<String, String> absent, List<Row> rows) {

    /** The circumstance that says how long it took, {@code 12 s}. */
    static final String TOOK = "took";

    boolean passed() {
        return rows.stream().allMatch(Row::passed);
    }

    /** Whether a peer has a figure, in one of its ways or in all. */
    boolean hasFigureOf(String peer) {
        return rows.stream().flatMap(row -> row.results().stream()).anyMatch(result -> result.side().startsWith(peer));
    }

    /** Whether it is of the same family and threads. */
    boolean replaces(Run other) {
        return family.equals(other.family) && threads == other.threads;
    }

    boolean isOf(Section section) {
        return family.equals(section.family().name()) && threads == section.threads();
    }

    /** How long it took; 0 where that is not known. */
    double seconds() {
        return Double.parseDouble("0" + circumstances.getOrDefault(TOOK, "").replaceAll("[^0-9]", ""));
    }

    /** Every figure by name. */
    Map<String, @Nullable Object> figures() {
        Map<String, @Nullable Object> figures = new LinkedHashMap<>();
        figures.put("family", family);
        figures.put("threads", threads);
        figures.put("circumstances", circumstances);
        figures.put("gigaflopsLimit", limits.gigaflops());
        figures.put("gigabytesLimit", limits.gigabytes());
        if (!Double.isNaN(limits.gigabytesOfOne())) {
            figures.put("gigabytesLimitOfOne", limits.gigabytesOfOne());
        }
        figures.put("versions", versions);
        figures.put("absent", absent);
        figures.put("rows", rows.stream().map(Run::figures).toList());
        return figures;
    }

    private static Map<String, @Nullable Object> figures(Row row) {
        Map<String, @Nullable Object> figures = new LinkedHashMap<>();
        figures.put("problem", row.problem());
        figures.put("gigaflop", row.gigaflop());
        figures.put("gigabytes", row.gigabytes());
        List<Object> sides = new ArrayList<>();
        for (Row.Result result : row.results()) {
            Map<String, @Nullable Object> side = new LinkedHashMap<>();
            side.put("side", result.side());
            side.put("form", result.form());
            if (result.isRight()) {
                side.put("seconds", result.seconds());
                side.put("best", result.best());
                side.put("samples", result.samples());
            }
            side.put("memoryBytes", result.memoryBytes());
            side.put("error", result.deviation().error());
            side.put("bound", result.deviation().bound());
            sides.add(side);
        }
        figures.put("sides", sides);
        return figures;
    }

    /** The run that {@link #figures} tells of. */
    static Run of(Map<?, ?> figures) {
        List<Row> rows = new ArrayList<>();
        for (Object row : (List<?>) present(figures, "rows")) {
            rows.add(row((Map<?, ?>) row));
        }
        return new Run((String) present(figures, "family"), (int) number(figures, "threads"), texts(figures, "circumstances"),
                new Limits(number(figures, "gigaflopsLimit"), number(figures, "gigabytesLimit"),
                        number(figures, "gigabytesLimitOfOne")),
                texts(figures, "versions"), texts(figures, "absent"), rows);
    }

    private static Row row(Map<?, ?> figures) {
        List<Row.Result> results = new ArrayList<>();
        for (Object side : (List<?>) present(figures, "sides")) {
            Map<?, ?> of = (Map<?, ?>) side;
            results.add(new Row.Result((String) present(of, "side"), (String) present(of, "form"), number(of, "seconds"),
                    number(of, "best"), (int) number(of, "samples"), (long) number(of, "memoryBytes"), new Deviation(number(of, "error"), number(of, "bound"))));
        }
        return new Row((String) present(figures, "problem"), number(figures, "gigaflop"), number(figures, "gigabytes"), results);
    }

    private static Object present(Map<?, ?> of, String name) {
        return Objects.requireNonNull(of.get(name), name);
    }

    /** NaN where it is absent: JSON has none. */
    private static double number(Map<?, ?> of, String name) {
        return of.get(name) instanceof Number number ? number.doubleValue() : Double.NaN;
    }

    private static Map<String, String> texts(Map<?, ?> of, String name) {
        Map<String, String> texts = new LinkedHashMap<>();
        ((Map<?, ?>) present(of, name)).forEach((key, value) -> texts.put((String) key, (String) value));
        return texts;
    }
}
