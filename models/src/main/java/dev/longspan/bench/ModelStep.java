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
    private final TensorArena arena;
    private final LanguageModel<?> model;
    private final Gradients gradients;
    private final Tensor tokens;
    private final Tensor targets;

    /** The answers of a training pass, logits and gradients, and what they were held against. */
    record Checked(Prefix prefix, Deviation deviation) {
    }

    /** The answers of an inference pass, and its first rows [1, rows, outputs] to hold others against. */
    record Logits(Deviation deviation, Tensor first) {
    }

    ModelStep(Backend backend, Parallel parallel, Blueprint blueprint, long context, long seed) {
        this.backend = backend;
        this.arena = new TensorArena(backend.space());
        this.parallel = parallel;
        this.blueprint = blueprint;
        try {
            model = blueprint.create(arena, seed);
            gradients = new Gradients(arena, model.parameters().values());
            long[] ids = new SplittableRandom(seed).longs(context + 1, 0, model.vocabulary()).toArray();
            tokens = arena.allocateOnHost(DType.I32, 1, context).set(java.util.Arrays.copyOf(ids, ids.length - 1));
            targets = arena.allocateOnHost(DType.I32, 1, context).set(java.util.Arrays.copyOfRange(ids, 1, ids.length));
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
            model.logits(pass, tokens).get(0, 0, 0); // a device is done when its stream gives a number
            return (System.nanoTime() - start) * 1e-9;
        }
    }

    /** Seconds of a forward pass, the mean loss, and the way back to every parameter. */
    double forwardAndBackward(Workspace workspace) {
        gradients.zero();
        long start = System.nanoTime();
        try (Pass pass = Pass.training(backend, parallel, workspace, gradients, Randomness.NONE)) {
            Tensor loss = Loss.mean(pass, model.losses(pass, tokens, targets), targets);
            pass.backward(loss);
            loss.item(); // likewise
            return (System.nanoTime() - start) * 1e-9;
        }
    }

    /**
     * Holds logits and gradients of a training pass over the whole sequence, whose targets are those of its first tokens alone,
     * against float64.
     */
    Checked check(Workspace workspace) {
        Prefix prefix = Prefix.of(parallel, blueprint, model, tokens, targets, Prefix.affordable(blueprint, context()));
        gradients.zero();
        try (Pass pass = Pass.training(backend, parallel, workspace, gradients, Randomness.NONE)) {
            Tensor some = pass.allocateOnHost(DType.I32, 1, context());
            some.fill(Loss.IGNORED);
            some.slice(1, 0, prefix.tokens()).copyFrom(targets.slice(1, 0, prefix.tokens()));
            Tensor logits = model.logits(pass, tokens);
            pass.backward(Loss.meanCrossEntropy(pass, logits, some));
            return new Checked(prefix, prefix.ofLogits(logits).worse(prefix.ofGradients(model, gradients)));
        }
    }

    /** Holds the logits of an inference pass against float64, and keeps the first {@code rows} rows of them. */
    Logits logits(Workspace workspace, Prefix prefix, int rows) {
        try (Pass pass = Pass.inference(backend, parallel, workspace)) {
            Tensor all = model.logits(pass, tokens);
            long kept = Math.min(rows, context());
            return new Logits(prefix.ofLogits(all),
                    arena.allocate(all.dtype(), 1, kept, all.size(2)).copyFrom(all.slice(1, 0, kept)));
        }
    }

    @Override
    public void close() {
        arena.close();
    }
}
