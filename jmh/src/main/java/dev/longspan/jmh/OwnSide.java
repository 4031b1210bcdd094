package dev.longspan.jmh;

import dev.longspan.autograd.Gradients;
import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Randomness;
import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.List;
import java.util.Map;

/** A task on a backend of this library: ops on a pass that is opened and closed by each run. */
final class OwnSide implements Side {

    /** Runs on a pass; results by the names of the task's answers. */
    interface Ops {
        Map<String, Tensor> run(Pass pass);
    }

    private final Backend backend;
    private final Parallel parallel;
    private final Task task;
    private final Ops ops;
    private final boolean training;
    private final Workspace workspace = new Workspace();
    private final TensorArena arena = new TensorArena();
    private final Gradients none = new Gradients(arena, List.of());

    private OwnSide(Backend backend, Parallel parallel, Task task, boolean training, Ops ops) {
        this.backend = backend;
        this.parallel = parallel;
        this.task = task;
        this.training = training;
        this.ops = ops;
    }

    static OwnSide forward(Backend backend, Parallel parallel, Task task, Ops ops) {
        return new OwnSide(backend, parallel, task, false, ops);
    }

    /** On passes that remember the way back. */
    static OwnSide training(Backend backend, Parallel parallel, Task task, Ops ops) {
        return new OwnSide(backend, parallel, task, true, ops);
    }

    @Override
    public double seconds(int times) {
        long start = System.nanoTime();
        for (int i = 0; i < times; i++) {
            try (Pass pass = pass()) {
                ops.run(pass);
            }
        }
        return (System.nanoTime() - start) * 1e-9;
    }

    @Override
    public void answer() {
        try (Pass pass = pass()) {
            Map<String, Tensor> results = ops.run(pass);
            task.answers().forEach((name, answer) -> answer.copyFrom(results.get(name)));
        }
    }

    private Pass pass() {
        return training ? Pass.training(backend, parallel, workspace, none, Randomness.NONE)
                : Pass.inference(backend, parallel, workspace);
    }

    @Override
    public void close() {
        workspace.close();
        arena.close();
    }
}
