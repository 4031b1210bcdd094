package dev.longspan.rmt;

import dev.longspan.model.BackboneBlueprint;
import dev.longspan.model.ModelPlan;
import dev.longspan.model.ModelPlan.Work;
import dev.longspan.tensor.DType;

/** The costs of a decoder, from those of its backbone over one segment with its memory. */
record RmtCosts(RmtConfig config, BackboneBlueprint backbone, long context, long batch, DType dtype) {

    RmtCosts {
        ModelPlan.check(context, batch, dtype);
    }

    /** Segments of one length, and how often training goes through each of them. */
    private record Part(long tokens, double segments, double runs) {
    }

    ModelPlan plan() {
        long segments = Math.ceilDiv(context, config.segment());
        long each = config.alignment() == Alignment.CENTER ? Math.ceilDiv(context, segments) : config.segment();
        double atOddOne = config.alignment() == Alignment.RIGHT ? reach(segments) : 1;
        Part odd = new Part(context - (segments - 1) * each, 1, atOddOne);
        Part others = new Part(each, segments - 1, runs(segments) - atOddOne);
        ModelPlan weights = backbone.hiddenPlan(odd.tokens, batch, dtype);
        Work forward = forward(odd).plus(forward(others));
        // Hidden states of all tokens.
        double all = (double) context * backbone.width() * batch * dtype.bytes();
        double again = config.recompute() ? Math.max(trainedBytes(odd), segments > 1 ? trainedBytes(others) : 0) : 0;
        return new ModelPlan(weights.parameters() + config.memory() * backbone.width(), forward,
                backward(odd).plus(backward(others)), weights.weightBytes() + memoryBytes(1),
                (long) (odd.segments * inferredBytes(odd) + others.segments * inferredBytes(others) + all),
                (long) (keptBytes(odd) + keptBytes(others) + again + 2 * all), stateBytes(segments), 0)
                .withLosses(context * batch, backbone.width(), backbone.vocabulary(), dtype);
    }

    /** Segments that the loss of the first segment's memory comes from: it is in as many of them. */
    private double reach(long segments) {
        return config.bptt().depth() == 0 ? 1 : Math.min(config.bptt().depth(), segments);
    }

    /** Trips through a segment: with a depth k that is no whole document each loss has its own k. */
    private double runs(long segments) {
        double k = config.bptt().depth();
        return k == 0 || k >= segments ? segments : k * (segments - k) + k * (k + 1) / 2;
    }

    private long rows(Part part) {
        return part.tokens + 2L * config.memory();
    }

    private Work forward(Part part) {
        return times(part.segments, hidden(part).forward());
    }

    private Work backward(Part part) {
        ModelPlan hidden = hidden(part);
        Work once = times(part.runs, hidden.backward()).plus(times(part.runs - part.segments, hidden.forward()));
        return config.recompute() ? once.plus(times(part.runs, hidden.forward())) : once;
    }

    private ModelPlan hidden(Part part) {
        return backbone.hiddenPlan(rows(part), batch, dtype);
    }

    private static Work times(double factor, Work work) {
        return new Work(factor * work.products(), factor * work.attention(), factor * work.scans());
    }

    private double inferredBytes(Part part) {
        return hidden(part).inferenceBytes() + ownBytes(part);
    }

    private double trainedBytes(Part part) {
        return hidden(part).trainingBytes() + 2 * ownBytes(part);
    }

    /** Embedded tokens, their hidden states and the memory that is passed on. */
    private double ownBytes(Part part) {
        return (2.0 * part.tokens + config.memory()) * backbone.width() * batch * dtype.bytes();
    }

    /** What training keeps of all segments with its gradients: where they are recomputed, hidden states and memory. */
    private double keptBytes(Part part) {
        return config.recompute() ? 2 * (part.runs * memoryBytes(batch)
                + part.segments * part.tokens * backbone.width() * batch * dtype.bytes())
                : part.runs * trainedBytes(part);
    }

    private long memoryBytes(long sequences) {
        return sequences * config.memory() * backbone.width() * dtype.bytes();
    }

    private long stateBytes(long segments) {
        long own = memoryBytes(batch) + batch * config.segment() * Long.BYTES;
        return config.carry() == RmtConfig.Carry.STATE
                ? own + backbone.plan(context + 2 * segments * config.memory(), batch, dtype).stateBytes() : own;
    }
}
