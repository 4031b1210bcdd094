package dev.longspan.bench;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One context of a sweep.
 *
 * @param longnet absent where the step was not run
 * @param dense absent where the step was not run
 * @param skipped why a step was not run; empty where both were
 */
public record SweepRow(long tokens, @Nullable Timing longnet, @Nullable Timing dense, String skipped) {

    Map<String, @Nullable Object> figures() {
        Map<String, @Nullable Object> figures = new LinkedHashMap<>();
        figures.put("tokens", tokens);
        figures.put("longnet", longnet == null ? null : longnet.figures(tokens));
        figures.put("dense", dense == null ? null : dense.figures(tokens));
        figures.put("skipped", skipped);
        return figures;
    }
}
