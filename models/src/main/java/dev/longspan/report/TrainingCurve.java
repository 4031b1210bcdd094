package dev.longspan.report;

import dev.longspan.train.StepReport;
import dev.longspan.train.TrainListener;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Remembers a run's losses and evaluations for a chart. */
final class TrainingCurve implements TrainListener {

    private static final int MOST_ROWS = 200;

    private final TrainListener next;
    private final long tokensPerStep;
    private final List<StepReport> steps = new ArrayList<>();
    private final List<Map<String, @Nullable Object>> evaluations = new ArrayList<>();

    /** Hands everything on to another listener. */
    TrainingCurve(TrainListener next, long tokensPerStep) {
        this.next = next;
        this.tokensPerStep = tokensPerStep;
    }

    @Override
    public void onStep(StepReport report) {
        steps.add(report);
        next.onStep(report);
    }

    @Override
    public void onEvaluation(long step, double bitsPerByte) {
        evaluations.add(row(step, bitsPerByte));
        next.onEvaluation(step, bitsPerByte);
    }

    /** Losses in bits per byte; of a long run means over neighbouring steps. */
    List<Map<String, @Nullable Object>> losses() {
        int group = Math.max(1, Math.ceilDiv(steps.size(), MOST_ROWS));
        List<Map<String, @Nullable Object>> rows = new ArrayList<>();
        for (int from = 0; from < steps.size(); from += group) {
            List<StepReport> part = steps.subList(from, Math.min(steps.size(), from + group));
            rows.add(row(part.getLast().step(), part.stream().mapToDouble(StepReport::bitsPerByte).average().orElseThrow()));
        }
        return rows;
    }

    List<Map<String, @Nullable Object>> evaluations() {
        return evaluations;
    }

    long peakBytes() {
        return steps.stream().mapToLong(StepReport::memoryBytes).max().orElse(0);
    }

    private Map<String, @Nullable Object> row(long step, double bitsPerByte) {
        Map<String, @Nullable Object> row = new LinkedHashMap<>();
        row.put("step", step);
        row.put("bytes", step * tokensPerStep);
        row.put("bpb", bitsPerByte);
        return row;
    }
}
