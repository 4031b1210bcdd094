package dev.longspan.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a model costs in time.
 *
 * @param checkedTokens how many tokens were computed in float64 too
 */
public record ModelResult(long parameters, long context, Peak peak, List<Rate> rates, int checkedTokens) {

    public ModelResult {
        rates = List.copyOf(rates);
    }

    /** Whether every answer was right. */
    public boolean passed() {
        return peak.deviation().isWithin() && rates.stream().allMatch(rate -> rate.deviation().isWithin());
    }

    /** A table; a speed whose answer was wrong is withheld. */
    public List<String> lines() {
        List<String> lines = new ArrayList<>();
        lines.add(String.format(Locale.ROOT, "%-26s %10s %12s %10s %8s %9s %9s", "", "tokens/s", "MFLOP/token", "GFLOP/s",
                "of peak", "error", "of bound"));
        for (Rate rate : rates) {
            boolean right = rate.deviation().isWithin() && peak.deviation().isWithin();
            lines.add(String.format(Locale.ROOT, "%-26s ", rate.what())
                    + (right ? String.format(Locale.ROOT, "%,10.0f %12.2f %10.1f %6.1f %%", rate.tokensPerSecond(),
                            rate.flops() / rate.tokens() * 1e-6, rate.flops() / rate.seconds() * 1e-9, 100 * rate.shareOf(peak))
                            : String.format(Locale.ROOT, "%42s", "wrong answer"))
                    + String.format(Locale.ROOT, " %9.1e %7.1f %%", rate.deviation().error(),
                            100 * rate.deviation().error() / rate.deviation().bound()));
        }
        if (peak.deviation().isWithin()) {
            lines.add(String.format(Locale.ROOT,
                    "peak: %.1f GFLOP/s, our own product of %d x %2$d matrices on the same threads, the fastest in this run",
                    peak.flopsPerSecond() * 1e-9, Peak.SIZE));
        }
        lines.add("FLOPs counted: products of matrices, attention and scans");
        lines.add(String.format(Locale.ROOT, "checked: logits and all gradients of the first %d tokens against float64, "
                + "decoded logits against the forward's", checkedTokens));
        return lines;
    }

    /** Every figure by name. */
    public Map<String, @Nullable Object> figures() {
        Map<String, @Nullable Object> figures = new LinkedHashMap<>();
        figures.put("parameters", parameters);
        figures.put("context", context);
        figures.put("peak", peak.figures());
        figures.put("rates", rates.stream().map(rate -> rate.figures(peak)).toList());
        figures.put("checkedTokens", checkedTokens);
        figures.put("passed", passed());
        return figures;
    }
}
