package dev.longspan.bench;

import dev.longspan.autograd.Gradients;
import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Randomness;
import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.model.Blueprint;
import dev.longspan.nn.LanguageModel;
import dev.longspan.op.Loss;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.SplittableRandom;

/** One sequence of random tokens through a model of fresh float32 weights: timed and checked. Serves one thread. */
final class ModelStep implements AutoCloseable {

    private final Backend backend;
    private final Parallel parallel;
    private final Blueprint blueprint;
    private final TensorArena arena = new TensorArena();
    private final LanguageModel<?> model;
    private final Gradients gradients;
    private final Tensor tokens;
    private final Tensor targets;

    /** The answers, and the first rows of the logits to hold others against. */
    record Checked(Deviation logits, Deviation gradients, Prefix prefix, Tensor firstLogits) {
    }

    ModelStep(Backend backend, Parallel parallel, Blueprint blueprint, long context, long seed) {
        this.backend = backend;
        this.parallel = parallel;
        this.blueprint = blueprint;
        try {
            model = blueprint.create(arena, seed);
            gradients = new Gradients(arena, model.parameters().values());
            long[] ids = new SplittableRandom(seed).longs(context + 1, 0, model.vocabulary()).toArray();
            tokens = arena.allocate(DType.I32, 1, context).set(java.util.Arrays.copyOf(ids, ids.length - 1));
            targets = arena.allocate(DType.I32, 1, context).set(java.util.Arrays.copyOfRange(ids, 1, ids.length));
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    LanguageModel<?> model() {
        return model;
    }

    /** I32 [1, context]. */
    Tensor tokens() {
        return tokens;
    }

    long context() {
        return tokens.size(1);
    }

    /** Seconds of a forward pass. */
    double forward(Workspace workspace) {
        long start = System.nanoTime();
        try (Pass pass = Pass.inference(backend, parallel, workspace)) {
            model.logits(pass, tokens);
            return (System.nanoTime() - start) * 1e-9;
        }
    }

    /** Seconds of a forward pass, the mean loss, and the way back to every parameter. */
    double forwardAndBackward(Workspace workspace) {
        gradients.zero();
        long start = System.nanoTime();
        try (Pass pass = Pass.training(backend, parallel, workspace, gradients, Randomness.NONE)) {
            pass.backward(Loss.meanCrossEntropy(pass, model.logits(pass, tokens), targets));
            return (System.nanoTime() - start) * 1e-9;
        }
    }

    /**
     * Holds the logits of a forward pass and the gradients of a training pass over the whole sequence, whose targets are those
     * of its first tokens alone, against float64. Keeps the first {@code rows} rows of logits.
     */
    Checked check(Workspace workspace, int rows) {
        Prefix prefix = Prefix.of(parallel, blueprint, model, tokens, targets, Prefix.affordable(blueprint, context()));
        Tensor kept;
        Deviation logits;
        try (Pass pass = Pass.inference(backend, parallel, workspace)) {
            Tensor all = model.logits(pass, tokens);
            logits = prefix.ofLogits(all);
            kept = arena.allocate(all.dtype(), 1, Math.min(rows, context()), all.size(2))
                    .copyFrom(all.slice(1, 0, Math.min(rows, context())));
        }
        gradients.zero();
        try (Pass pass = Pass.training(backend, parallel, workspace, gradients, Randomness.NONE)) {
            Tensor some = pass.allocate(DType.I32, 1, context());
            some.fill(Loss.IGNORED);
            some.slice(1, 0, prefix.tokens()).copyFrom(targets.slice(1, 0, prefix.tokens()));
            pass.backward(Loss.meanCrossEntropy(pass, model.logits(pass, tokens), some));
        }
        return new Checked(logits, prefix.ofGradients(model, gradients), prefix, kept);
    }

    @Override
    public void close() {
        arena.close();
    }
}
