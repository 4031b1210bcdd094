package dev.longspan.bench;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A whole sweep.
 *
 * @param flatness absent where the contexts do not go beyond 32K or the longest was not run
 * @param memory bytes of LongNet's step over tokens; absent with fewer than two rows
 */
public record SweepResult(SweepConfig config, String backend, List<SweepRow> rows, @Nullable Flatness flatness,
        @Nullable LinearFit memory) {

    /** How far from a line memory may be, as a share. */
    public static final double LINEAR_WITHIN = 0.01;

    /** Whether something was measured, every answer was right, time per token flat and memory linear. */
    public boolean passed() {
        return rows.stream().anyMatch(row -> row.longnet() != null) && rows.stream().allMatch(SweepResult::isRight)
                && (flatness == null || flatness.isWithin())
                && (memory == null || memory.worst() <= LINEAR_WITHIN);
    }

    /** Every figure by name. */
    public Map<String, @Nullable Object> figures() {
        Map<String, @Nullable Object> figures = new LinkedHashMap<>();
        figures.put("backend", backend);
        figures.put("heads", config.heads());
        figures.put("dim", config.dim());
        figures.put("backward", config.backward());
        figures.put("rows", rows.stream().map(SweepRow::figures).toList());
        if (flatness != null) {
            figures.put("flatness", Map.of("shortTokens", flatness.shortTokens(), "longTokens", flatness.longTokens(),
                    "ratio", flatness.ratio(), "bound", Flatness.BOUND));
        }
        if (memory != null) {
            figures.put("memory", Map.of("bytesPerToken", memory.slope(), "bytes", memory.intercept(), "worst", memory.worst()));
        }
        figures.put("passed", passed());
        return figures;
    }

    private static boolean isRight(SweepRow row) {
        Timing longnet = row.longnet();
        Timing dense = row.dense();
        return (longnet == null || longnet.isRight()) && (dense == null || dense.isRight());
    }
}
