package dev.longspan.bench;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** A sweep as lines of text. */
public final class SweepTable {

    private SweepTable() {
    }

    /** Two lines of column names. */
    public static String header(SweepConfig config) {
        return String.format(Locale.ROOT, """
                %s attention, %d heads of %d, float32, causal; LongNet w = 2048·2^i, r = 2^i up to w = N
                %8s  %16s  %16s  %8s  %11s  %8s  %s""", config.backward() ? "forward + backward of" : "forward of",
                config.heads(), config.dim(), "tokens", "LongNet µs/token", "dense µs/token", "ratio", "memory", "error", "of bound");
    }

    /** A row; a timing whose answer was wrong is withheld. */
    public static String line(SweepRow row) {
        Timing longnet = row.longnet();
        Timing dense = row.dense();
        Deviation worst = worst(longnet, dense);
        return String.format(Locale.ROOT, "%8s  %16s  %16s  %8s  %11s  %8.1e  %6.1f %%  %s", context(row.tokens()),
                time(longnet, row.tokens()), time(dense, row.tokens()), ratio(longnet, dense),
                longnet == null ? "-" : mebibytes(longnet.bytes()), worst.error(), 100 * worst.error() / worst.bound(),
                row.skipped()).stripTrailing();
    }

    /** The conclusions below the rows. */
    public static String footer(SweepResult result) {
        StringBuilder text = new StringBuilder();
        Flatness flat = result.flatness();
        if (flat != null) {
            text.append(String.format(Locale.ROOT, "time per token at %s over %s: %.3f (must be at most %.2f)%n",
                    context(flat.longTokens()), context(flat.shortTokens()), flat.ratio(), Flatness.BOUND));
        }
        LinearFit fit = result.memory();
        if (fit != null) {
            text.append(String.format(Locale.ROOT, "peak memory: %.1f bytes per token + %.2f MiB, off by at most %.2f %%%n",
                    fit.slope(), fit.intercept() / (1 << 20), 100 * fit.worst()));
        }
        text.append(result.passed() ? "every answer checked against float64" : "CHECK FAILED");
        return text.toString();
    }

    /** {@code 32K}, {@code 1M}, or the plain number. */
    public static String context(long tokens) {
        return tokens % (1 << 20) == 0 ? (tokens >> 20) + "M" : tokens % 1024 == 0 ? (tokens >> 10) + "K"
                : Long.toString(tokens);
    }

    private static Deviation worst(@Nullable Timing a, @Nullable Timing b) {
        Deviation worst = a == null ? Deviation.NONE : a.deviation();
        return b == null ? worst : worst.worse(b.deviation());
    }

    private static String time(@Nullable Timing timing, long tokens) {
        if (timing == null) {
            return "-";
        }
        return timing.isRight() ? String.format(Locale.ROOT, "%.2f", timing.microsPerToken(tokens))
                : "wrong answer";
    }

    private static String ratio(@Nullable Timing longnet, @Nullable Timing dense) {
        return longnet != null && dense != null && longnet.isRight() && dense.isRight()
                ? String.format(Locale.ROOT, "%.2fx", dense.seconds() / longnet.seconds()) : "-";
    }

    private static String mebibytes(long bytes) {
        return String.format(Locale.ROOT, "%.1f MiB", bytes / (double) (1 << 20));
    }
}
