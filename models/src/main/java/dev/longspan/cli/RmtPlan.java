package dev.longspan.cli;

import dev.longspan.rmt.RmtConfig;
import dev.longspan.rmt.RmtFlops;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Full attention against a recurrent memory in FLOPs: figure 3 of arXiv 2304.11062 for any model and length. */
record RmtPlan(long context, int segment, int memory) {

    RmtPlan {
        if (context <= 0) {
            throw new IllegalArgumentException("context must be positive: context=" + context);
        }
    }

    /** A line for each model, and the figures in it. */
    Map<String, @Nullable Object> print(Output output, List<RmtFlops> models) {
        long tokens = RmtConfig.encoder(memory, segment).segment();
        output.line("full attention over %,d tokens against RMT in segments of %d, FLOPs of a forward pass", context, segment);
        output.line("formula      %s", RmtFlops.FORMULA);
        output.line("             s tokens at once; V vocabulary, L layers, width d, feed-forward f, h heads (arXiv 2203.15556, appendix F)");
        output.line("%-12s %14s %14s %10s %16s %18s", "model", "full", "RMT", "full/RMT", "with embedding",
                "with " + memory + " vectors");
        List<Object> lines = new ArrayList<>();
        for (RmtFlops model : models) {
            double full = model.forward(context, false);
            double rmt = model.recurrent(context, segment, segment, false);
            double embedded = model.forward(context, true) / model.recurrent(context, segment, segment, true);
            double exact = full / model.recurrent(context, tokens, segment, false);
            output.line("%-12s %14.3e %14.3e %9.1fx %15.1fx %17.1fx", model.name(), full, rmt, full / rmt, embedded, exact);
            Map<String, @Nullable Object> line = new LinkedHashMap<>();
            line.put("model", model.name());
            line.put("full_flops", full);
            line.put("rmt_flops", rmt);
            line.put("ratio", full / rmt);
            line.put("ratio_with_embedding", embedded);
            line.put("ratio_with_memory", exact);
            lines.add(line);
        }
        output.line("full/RMT is the paper's figure: %,d segments, the embedding and the memory's rows left out; the last column",
                Math.ceilDiv(context, segment));
        output.line("counts %d memory vectors and [CLS], [SEP], [SEP], which leave %d tokens to a segment", memory, tokens);
        Map<String, @Nullable Object> figures = new LinkedHashMap<>();
        figures.put("formula", RmtFlops.FORMULA);
        figures.put("context", context);
        figures.put("segment", (long) segment);
        figures.put("memory", (long) memory);
        figures.put("models", lines);
        return figures;
    }
}
