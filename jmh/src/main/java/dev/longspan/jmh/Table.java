package dev.longspan.jmh;

import dev.longspan.bench.Comparison;
import dev.longspan.bench.Comparison.Result;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Comparisons as they come: lines on the terminal, Markdown and JSON. */
final class Table {

    private final List<Comparison> comparisons = new ArrayList<>();
    private final Map<String, String> absent = new LinkedHashMap<>();

    void add(Comparison comparison) {
        comparisons.add(comparison);
        IO.println(comparison.line());
    }

    /** A peer that is not there, and why. */
    void absent(String peer, @Nullable String why) {
        if (why != null && absent.put(peer, why) == null) {
            IO.println(peer + " is absent: " + why);
        }
    }

    boolean passed() {
        return comparisons.stream().allMatch(Comparison::passed);
    }

    /** Every figure by name. */
    Map<String, Object> figures() {
        Map<String, Object> figures = new LinkedHashMap<>();
        figures.put("comparisons", comparisons.stream().map(Comparison::figures).toList());
        figures.put("absent", absent);
        figures.put("passed", passed());
        return figures;
    }

    /** A row a side; ratios are of the first side's time. */
    String markdown() {
        StringBuilder text = new StringBuilder("| problem | side | time over the first side's | median | GFLOP/s | GB/s | error, of its bound |\n");
        text.append("|---|---|---|---|---|---|---|\n");
        for (Comparison of : comparisons) {
            double first = of.results().getFirst().seconds();
            boolean known = of.results().getFirst().deviation().isWithin();
            for (Result r : of.results()) {
                boolean right = r.deviation().isWithin();
                text.append(String.format(Locale.ROOT, "| %s | %s | %s | %s | %s | %s | %.1e, %.0f %% |%n", of.problem(), r.backend(),
                        right && known ? String.format(Locale.ROOT, "%.2f", r.seconds() / first) : "-",
                        right ? String.format(Locale.ROOT, "%.3f ms", r.seconds() * 1e3) : "wrong answer",
                        rate(right, of.gigaflop(), r), rate(right, of.gigabytes(), r), r.deviation().error(),
                        100 * r.deviation().error() / r.deviation().bound()));
            }
        }
        absent.forEach((peer, why) -> text.append("\n").append(peer).append(" is absent: ").append(why).append("\n"));
        return text.toString();
    }

    /** Of the work that every side of a row does; a side with "+" in its name does more. */
    private static String rate(boolean right, double work, Result r) {
        return right && work > 0 && !r.backend().contains("+") ? String.format(Locale.ROOT, "%.1f", work / r.seconds()) : "-";
    }
}
