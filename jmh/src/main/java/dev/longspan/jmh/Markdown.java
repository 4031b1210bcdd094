package dev.longspan.jmh;

import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Results as tables: ratios first, a row a peer. */
@SuppressWarnings("AnnotateFormatMethod") // the annotation is Error Prone's own
final class Markdown {

    /** Below this what a process grows by is as much its compiler's as the task's. */
    private static final long LARGE = 64L << 20;

    private final StringBuilder text = new StringBuilder();

    private Markdown() {
    }

    static String of(Results results) {
        Markdown page = new Markdown();
        results.machine().forEach((key, value) -> page.line("* %s: %s", key, value));
        page.line("");
        page.line("Medians of runs in turns (A B A B …). A ratio is the peer's time over that of longspan's first backend: above 1"
                + " longspan is faster. Every answer was checked against float64 first; what was not right has no time.");
        page.line("");
        page.line("Memory is by how much a side's process, python or the JVM, grew at most in its second run, results among it; what it"
                + " kept of the first, and what it had free, went back to the system before. Shown above 64 MiB.");
        page.goals(results);
        results.runs().forEach(page::run);
        return page.text.toString();
    }

    /** A row a figure to reach. */
    private void goals(Results results) {
        if (Goals.ALL.stream().allMatch(g -> g.figures(results, 1).isEmpty() && g.figures(results, 2).isEmpty())) {
            return;
        }
        line("");
        line("## Figures to reach");
        line("");
        line("The least favourable problem of each, and the most favourable; bold where it falls short, – where"
                + " nothing was measured. Whole models are measured on vector and on mixed, the default, which takes each"
                + " kernel from vector or host.");
        line("");
        line("| work | beside | must | aim | vector, 1 thread | vector, 2 | host or mixed, 1 | host or mixed, 2 |");
        line("|---|---|---|---|---|---|---|---|");
        for (Goal goal : Goals.ALL) {
            line("| %s | %s | %s%s | %s | %s | %s | %s | %s |", goal.work(), goal.against(), goal.atMost() ? "≤ " : "",
                    figure(goal.must()), figure(goal.aim()), reached(goal, results, 1, true),
                    reached(goal, results, 2, true), reached(goal, results, 1, false),
                    reached(goal, results, 2, false));
        }
    }

    private static String reached(Goal goal, Results results, int threads, boolean vector) {
        double[] values = goal.figures(results, threads).stream().filter(f -> f.side().startsWith("vector") == vector)
                .mapToDouble(Goal.Figure::value).sorted().toArray();
        if (values.length == 0) {
            return "–";
        }
        double worst = values[goal.atMost() ? values.length - 1 : 0];
        double best = values[goal.atMost() ? 0 : values.length - 1];
        return (goal.isReached(worst) ? figure(worst) : "**" + figure(worst) + "**")
                + (values.length > 1 ? " … " + figure(best) : "");
    }

    private static String figure(double value) {
        return Double.isNaN(value) ? "" : format("%.2f", value);
    }

    private void run(Run run) {
        line("");
        line(run.threads() == 0 ? "## %s" : "## %s, %d thread%s", run.family(), run.threads(), run.threads() == 1 ? "" : "s");
        line("");
        run.circumstances().forEach((key, value) -> line("* %s: %s", key, key.equals("command") ? "`" + value + "`" : value));
        if (run.limits().gigabytes() > 0) {
            line(run.threads() == 0 ? "* limits: %.0f GFLOP/s of a product, %.1f GB/s of a copy"
                    : "* limits: %.0f GFLOP/s in registers, %.1f GB/s from memory", run.limits().gigaflops(), run.limits().gigabytes());
        }
        if (run.threads() > 1 && run.limits().gigabytesOfOne() > 0) {
            line("* one thread alone: %.1f GB/s from memory", run.limits().gigabytesOfOne());
        }
        run.versions().forEach((peer, version) -> {
            if (run.hasFigureOf(peer)) {
                line("* %s: %s", peer, version);
            }
        });
        run.absent().forEach((peer, why) -> line("* %s is absent: %s", peer, why));
        line("");
        line("| ratio | must | problem | side | median | best | samples | GFLOP/s | GB/s | of the limit | memory"
                + " | error, of its bound |");
        line("|---|---|---|---|---|---|---|---|---|---|---|---|");
        run.rows().forEach(row -> row.results().forEach(result -> line(run, row, result)));
    }

    private void line(Run run, Row row, Row.Result result) {
        String ratio = Double.isNaN(row.ratio(result)) ? "" : format("**%.2f**", row.ratio(result));
        String error = format("%.1e, %.0f %%", result.deviation().error(), 100 * result.deviation().error()
                / result.deviation().bound());
        if (!result.isRight()) {
            line("| | | %s | %s | wrong answer | | | | | | | %s |", row.problem(), result.label(), error);
            return;
        }
        double flops = row.gigaflop() / result.seconds();
        double bytes = row.gigabytes() / result.seconds();
        double share = Math.max(run.limits().gigabytes() > 0 ? bytes / run.limits().gigabytes() : 0,
                run.limits().gigaflops() > 0 ? flops / run.limits().gigaflops() : 0);
        line("| %s | %s | %s | %s | %s | %s | %d | %s | %s | %s | %s | %s |", ratio, must(run, row, result), row.problem(),
                result.label(), time(result.seconds()), time(result.best()), result.samples(),
                row.gigaflop() > 0 ? format("%.1f", flops) : "", row.gigabytes() > 0 ? format("%.1f", bytes) : "",
                Double.isFinite(share) && share > 0 ? format("%.0f %%", 100 * share) : "",
                result.memoryBytes() > LARGE ? format("%d MiB", result.memoryBytes() >> 20) : "", error);
    }

    private static String must(Run run, Row row, Row.Result result) {
        return figure(Goals.must(run.family(), row, result).orElse(Double.NaN));
    }

    private static String time(double seconds) {
        return seconds < 1e-6 ? format("%.1f ns", seconds * 1e9) : seconds < 1e-4 ? format("%.2f µs", seconds * 1e6) : seconds < 1 ? format("%.3f ms", seconds * 1e3)
                : format("%.2f s", seconds);
    }

    private void line(String format, Object... values) {
        text.append(format(format, values)).append("\n");
    }

    private static String format(String format, Object... values) {
        return String.format(Locale.ROOT, format, values);
    }

    /** A row for the terminal: sides with time, rate, ratio and error. */
    static String of(Row row) {
        StringBuilder line = new StringBuilder(format("%-40s", row.problem()));
        for (Row.Result result : row.results()) {
            line.append(result.isRight() ? format("  %s %s", result.label(), time(result.seconds()))
                    : format("  %s wrong answer (%.1e of %.1e)", result.label(), result.deviation().error(), result.deviation().bound()));
            if (result.isRight() && row.gigaflop() > 0) {
                line.append(format(" %.1f GFLOP/s", row.gigaflop() / result.seconds()));
            }
            if (result.isRight() && row.gigabytes() > 0) {
                line.append(format(" %.1f GB/s", row.gigabytes() / result.seconds()));
            }
            if (!Double.isNaN(row.ratio(result))) {
                line.append(format(" ratio %.2f", row.ratio(result)));
            }
        }
        return line.toString();
    }

    static String ofAbsent(Map.Entry<String, String> peer) {
        return peer.getKey() + " is absent: " + peer.getValue();
    }
}
