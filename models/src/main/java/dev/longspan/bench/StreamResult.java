package dev.longspan.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One long stream: time and memory from its first tokens to its last.
 *
 * @param first seconds a token of the first window behind the warm-up
 * @param last seconds a token of the last window
 * @param ratio time per token at the end over that of a stream of 8K tokens, in turns
 * @param early memory behind the warm-up
 * @param end memory behind the last token
 * @param prefix the first logits against float64
 * @param partition the last piece's logits against those of other pieces
 */
public record StreamResult(StreamConfig config, long parameters, List<StreamRow> rows, double first, double last, double ratio,
        ResidentMemory early, ResidentMemory end, Deviation prefix, Deviation partition) {

    /** How much more time or memory the end may take, as a share. */
    public static final double FLAT_WITHIN = 0.10;

    public StreamResult {
        rows = List.copyOf(rows);
    }

    /** Whether the answers were right. */
    public boolean isRight() {
        return prefix.isWithin() && partition.isWithin();
    }

    /** Memory at the end over memory behind the warm-up. */
    public double growth() {
        return (double) end.bytes() / early.bytes();
    }

    /** Whether time per token and memory stay the same, that of tensors to the byte. */
    public boolean isFlat() {
        return ratio <= 1 + FLAT_WITHIN && growth() <= 1 + FLAT_WITHIN && end.tensors() <= early.tensors();
    }

    /** Whether answers were right, and time and memory flat. */
    public boolean passed() {
        return isRight() && isFlat();
    }

    /** Column names. */
    public static String header() {
        return String.format(Locale.ROOT, "%8s  %12s  %10s  %12s", "tokens", "µs/token", "tokens/s", "tensors");
    }

    /** A row. */
    public static String line(StreamRow row) {
        return String.format(Locale.ROOT, "%8s  %12.2f  %,10.0f  %8.1f MiB", SweepTable.context(row.tokens()),
                row.secondsPerToken() * 1e6, 1 / row.secondsPerToken(), row.memory() / (double) (1 << 20));
    }

    /** The conclusions below the rows. */
    public List<String> footer() {
        List<String> lines = new ArrayList<>();
        String to = SweepTable.context(config.tokens());
        if (isRight()) {
            lines.add(String.format(Locale.ROOT, "tokens/s: %,.0f in the first window behind %s, %,.0f in the last before %s",
                    1 / first, SweepTable.context(config.early()), 1 / last, to));
            lines.add(String.format(Locale.ROOT, "time per token at %s over %s, in turns: %.3f (must be at most %.2f)", to,
                    SweepTable.context(config.early()), ratio, 1 + FLAT_WITHIN));
        }
        lines.add(String.format(Locale.ROOT,
                "%s memory: %.1f MiB after %s, %.1f MiB after %s: %.3f (must be at most %.2f); tensors grew by %,d bytes (0)",
                end.resident().isPresent() ? "resident" : "tensors'", early.bytes() / (double) (1 << 20),
                SweepTable.context(config.settled()), end.bytes() / (double) (1 << 20), to, growth(), 1 + FLAT_WITHIN,
                end.tensors() - early.tensors()));
        lines.add(String.format(Locale.ROOT,
                "first logits against float64: error %.1e (of %.0e); last piece cut otherwise: %.1e (of %.0e)", prefix.error(), prefix.bound(), partition.error(), partition.bound()));
        lines.add(passed() ? "answers right, time and memory flat" : "CHECK FAILED");
        return lines;
    }

    /** Every figure by name. */
    public Map<String, @Nullable Object> figures() {
        Map<String, @Nullable Object> figures = new LinkedHashMap<>();
        figures.put("parameters", parameters);
        figures.put("tokens", config.tokens());
        figures.put("piece", config.piece());
        figures.put("earlyTokens", config.early());
        figures.put("settledTokens", config.settled());
        figures.put("rows", rows.stream().map(row -> row.figures(isRight())).toList());
        if (isRight()) {
            figures.put("firstTokensPerSecond", 1 / first);
            figures.put("lastTokensPerSecond", 1 / last);
            figures.put("ratio", ratio);
        }
        figures.put("early", early.figures());
        figures.put("end", end.figures());
        figures.put("growth", growth());
        figures.put("flatWithin", FLAT_WITHIN);
        figures.put("prefix", Map.of("error", prefix.error(), "bound", prefix.bound()));
        figures.put("partition", Map.of("error", partition.error(), "bound", partition.bound()));
        figures.put("passed", passed());
        return figures;
    }
}
