package dev.longspan.bench;

import dev.longspan.autograd.Gradients;
import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Randomness;
import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.model.Blueprint;
import dev.longspan.model.ModelPlan;
import dev.longspan.nn.LanguageModel;
import dev.longspan.op.Loss;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * What a model gives for the first tokens of a sequence, in float64 on plain loops: logits, and the gradients of their mean
 * loss. A causal model gives the same for them within any longer sequence whose other targets take no part.
 *
 * @param logits of the first tokens, row after row
 * @param gradients by name of the parameter
 */
record Prefix(int tokens, double[] logits, Map<String, double[]> gradients) {

    /**
     * How far float32 may be off, as a share of the largest logit: rounding adds up to some 1e-6 over tens of layers, a wrong
     * row or column to more than 1e-2.
     */
    static final double LOGITS_WITHIN = 1e-4;
    /** The same of each parameter's largest gradient, which sums over all tokens. */
    static final double GRADIENTS_WITHIN = 1e-3;

    /** What the plain loops do in some seconds. */
    private static final double MOST_FLOPS = 10e9;
    private static final int MOST_TOKENS = 544;
    private static final int LEAST_TOKENS = 8;

    /** How many of {@code context} tokens can be checked in some seconds. */
    static int affordable(Blueprint blueprint, long context) {
        ModelPlan plan = blueprint.plan(LEAST_TOKENS, 1, DType.F64);
        double tokens = MOST_FLOPS * LEAST_TOKENS / plan.forward().plus(plan.backward()).total();
        return (int) Math.min(context, Math.clamp(tokens, LEAST_TOKENS, MOST_TOKENS));
    }

    /** The first {@code count} of tokens and targets [1, N] through a model of the same weights. */
    static Prefix of(Parallel parallel, Blueprint blueprint, LanguageModel<?> weights, Tensor tokens, Tensor targets,
            int count) {
        Map<String, Tensor> stored = weights.parameters();
        try (TensorArena arena = new TensorArena(); Workspace workspace = new Workspace()) {
            LanguageModel<?> exact = blueprint.build((name, shape) -> arena.allocate(DType.F64, shape)
                    .copyFrom(Objects.requireNonNull(stored.get(name), name)));
            Gradients gradients = new Gradients(arena, exact.parameters().values());
            try (Pass pass = Pass.training(Backend.named("scalar"), parallel, workspace, gradients, Randomness.NONE)) {
                Tensor logits = exact.logits(pass, first(arena, tokens, count));
                pass.backward(Loss.meanCrossEntropy(pass, logits, first(arena, targets, count)));
                Map<String, double[]> byName = new LinkedHashMap<>();
                exact.parameters().forEach((name, parameter) -> byName.put(name, flat(gradients.of(parameter))));
                return new Prefix(count, flat(logits), byName);
            }
        }
    }

    private static Tensor first(TensorArena arena, Tensor all, int count) {
        return arena.allocate(all.dtype(), 1, count).copyFrom(all.slice(1, 0, count));
    }

    private static double[] flat(Tensor tensor) {
        return tensor.reshape(tensor.elements()).toDoubles();
    }

    /** The first rows of logits [1, N, outputs], at least as many as there are tokens here. */
    Deviation ofLogits(Tensor actual) {
        return relative(logits, actual.slice(1, 0, tokens).reshape(-1).toDoubles(), LOGITS_WITHIN);
    }

    /** The gradients of a model whose only targets are those of the first tokens. */
    Deviation ofGradients(LanguageModel<?> model, Gradients actual) {
        Deviation worst = Deviation.NONE;
        for (Map.Entry<String, Tensor> parameter : model.parameters().entrySet()) {
            double[] expected = Objects.requireNonNull(gradients.get(parameter.getKey()), parameter.getKey());
            worst = worst.worse(relative(expected, flat(actual.of(parameter.getValue())), GRADIENTS_WITHIN));
        }
        return worst;
    }

    /** The largest error as a share of the largest expected value. */
    static Deviation relative(double[] expected, double[] actual, double bound) {
        double largest = Double.MIN_NORMAL;
        for (double e : expected) {
            largest = Math.max(largest, Math.abs(e));
        }
        return new Deviation(Deviation.of(expected, actual, bound).error() / largest, bound);
    }
}
