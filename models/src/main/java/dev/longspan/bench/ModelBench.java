package dev.longspan.bench;

import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.model.Blueprint;
import dev.longspan.model.ModelPlan;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import java.util.List;
import java.util.function.DoubleSupplier;

/** Tokens a second of a model: forward, forward and backward of one sequence, and one token at a time. Float32. */
public final class ModelBench {

    private static final int PROMPT = 64;
    private static final int DECODED = 128;
    private static final double WARM_UP_SECONDS = 1.5;
    private static final double SECONDS = 6;
    private static final int LEAST_SAMPLES = 3;

    private final Backend backend;
    private final Parallel parallel;
    private final long seed;

    public ModelBench(Backend backend, Parallel parallel, long seed) {
        this.backend = backend;
        this.parallel = parallel;
        this.seed = seed;
    }

    /** Measures a model over {@code context} tokens. */
    public ModelResult run(Blueprint blueprint, long context) {
        if (context <= PROMPT) {
            throw new IllegalArgumentException("context must be longer than the prompt: context=" + context + ", prompt="
                    + PROMPT);
        }
        Peak before = Peak.measure(backend, parallel);
        try (Workspace workspace = new Workspace(backend.space());
                ModelStep step = new ModelStep(backend, parallel, blueprint, context, seed)) {
            ModelStep.Checked checked = step.check(workspace);
            ModelStep.Logits logits = step.logits(workspace, checked.prefix(), PROMPT + DECODED);
            Rate decode = decode(blueprint, step, logits);
            ModelPlan plan = blueprint.plan(context, 1, DType.F32);
            Rate forward = new Rate("forward of " + SweepTable.context(context), context, plan.forward().total(),
                    median(() -> step.forward(workspace)), logits.deviation());
            Rate both = new Rate("forward + backward of " + SweepTable.context(context), context,
                    plan.forward().plus(plan.backward()).total(), median(() -> step.forwardAndBackward(workspace)),
                    checked.deviation());
            return new ModelResult(plan.parameters(), context, before.faster(Peak.measure(backend, parallel)),
                    List.of(forward, both, decode), checked.prefix().tokens());
        }
    }

    private Rate decode(Blueprint blueprint, ModelStep step, ModelStep.Logits logits) {
        try (Decoding<?> decoding = Decoding.of(backend, parallel, step.model(), step.tokens(), logits.first(), PROMPT)) {
            double seconds = median(decoding::seconds);
            // The forward's logits are right only as far as float64 says so.
            Deviation deviation = logits.deviation().isWithin() ? decoding.deviation() : logits.deviation();
            return new Rate("decode after " + PROMPT, decoding.decoded(), forward(blueprint, PROMPT + decoding.decoded())
                    - forward(blueprint, PROMPT), seconds, deviation);
        }
    }

    private static double forward(Blueprint blueprint, long tokens) {
        return blueprint.plan(tokens, 1, DType.F32).forward().total();
    }

    /** After runs whose time is not kept. */
    private static double median(DoubleSupplier run) {
        for (double spent = 0; spent < WARM_UP_SECONDS; ) {
            spent += run.getAsDouble();
        }
        return Median.of(Median.samples(run, LEAST_SAMPLES, SECONDS));
    }
}
