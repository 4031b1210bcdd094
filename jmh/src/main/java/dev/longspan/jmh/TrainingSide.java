package dev.longspan.jmh;

import dev.longspan.autograd.Gradients;
import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Randomness;
import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.nn.LanguageModel;
import dev.longspan.op.Loss;
import dev.longspan.optim.AdamW;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.function.Consumer;

/** Steps of training on a backend: forward, mean loss, backward, AdamW. Answers by the same losses, of the first targets alone. */
final class TrainingSide implements Side {

    private final Backend backend;
    private final Parallel parallel;
    private final Task task;
    private final int checked;
    private final double learningRate;
    private final LanguageModel<?> model;
    private final TensorArena arena = new TensorArena();
    private Workspace workspace = new Workspace();
    private final Gradients gradients;
    private final AdamW optimizer;
    private final Tensor firstTargets;
    private long step;

    TrainingSide(Backend backend, Parallel parallel, LanguageModel<?> model, Task task, int checked, double learningRate) {
        this.backend = backend;
        this.parallel = parallel;
        this.task = task;
        this.checked = checked;
        this.learningRate = learningRate;
        this.model = model;
        gradients = new Gradients(arena, model.parameters().values());
        optimizer = new AdamW(AdamW.Settings.standard(), model.parameters(), arena);
        Tensor targets = task.operand("targets");
        firstTargets = arena.allocate(DType.I32, targets.shape()).fill(Loss.IGNORED);
        firstTargets.slice(1, 0, checked).copyFrom(targets.slice(1, 0, checked));
    }

    @Override
    public double seconds(int times) {
        long start = System.nanoTime();
        for (int i = 0; i < times; i++) {
            forwardAndBackward(task.operand("targets"), losses -> { });
            optimizer.step(backend, parallel, gradients, learningRate, 1, ++step);
        }
        return (System.nanoTime() - start) * 1e-9;
    }

    @Override
    public void answer() {
        forwardAndBackward(firstTargets, losses -> task.answer("losses").copyFrom(losses.slice(0, 0, checked)));
        model.parameters().forEach((path, of) -> task.answer("gradient:" + path).copyFrom(gradients.of(of)));
    }

    /** All gradients of the mean loss; {@code then} sees the losses, one for each target. */
    private void forwardAndBackward(Tensor targets, Consumer<Tensor> then) {
        gradients.zero();
        try (Pass pass = Pass.training(backend, parallel, workspace, gradients, Randomness.NONE)) {
            Tensor losses = model.losses(pass, task.operand("tokens"), targets);
            then.accept(losses);
            pass.backward(Loss.mean(pass, losses, targets));
        }
    }

    @Override
    public void trim() {
        workspace.close();
        workspace = new Workspace();
        Side.super.trim();
    }

    @Override
    public void close() {
        workspace.close();
        arena.close();
    }
}
