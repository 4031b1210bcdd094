package dev.longspan.jmh;

import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.Map;

/** A task on a backend of this library, its operands in that backend's memory: a pass that is opened and closed by each run. */
final class OwnSide implements Side {

    /** Runs on a pass; results by the names of the task's answers. */
    interface Ops {
        Map<String, Tensor> run(Pass pass, Task here);
    }

    private final Backend backend;
    private final Parallel parallel;
    private final Task task;
    private final Ops ops;
    private Workspace workspace;
    private final TensorArena arena;
    private final Task here;
    private final Clock clock;

    private OwnSide(Backend backend, Parallel parallel, Task task, Ops ops) {
        this.backend = backend;
        this.parallel = parallel;
        this.task = task;
        this.ops = ops;
        workspace = new Workspace(backend.space());
        arena = new TensorArena(backend.space());
        here = task.in(arena);
        clock = Clock.of(backend);
    }

    static OwnSide of(Backend backend, Parallel parallel, Task task, Ops ops) {
        return new OwnSide(backend, parallel, task, ops);
    }

    @Override
    public double seconds(int times) {
        return clock.seconds(() -> {
            for (int i = 0; i < times; i++) {
                try (Pass pass = Pass.inference(backend, parallel, workspace)) {
                    ops.run(pass, here);
                }
            }
        });
    }

    @Override
    public void answer() {
        if (!backend.space().isHost()) {
            poison();
        }
        try (Pass pass = Pass.inference(backend, parallel, workspace)) {
            ops.run(pass, here).forEach((name, result) -> {
                Tensor answer = task.answer(name);
                // A device converts faster than the host.
                answer.copyFrom(result.dtype() == answer.dtype() || result.isOnHost() ? result
                        : pass.allocate(answer.dtype(), answer.shape()).copyFrom(result));
            });
        }
    }

    @Override
    public long pid() {
        return backend.space().isHost() ? Side.super.pid() : 0;
    }

    /** Leaves NaN where the next run's results will lie: a pass that does the same gets the same memory. */
    private void poison() {
        try (Pass pass = Pass.inference(backend, parallel, workspace)) {
            ops.run(pass, here).values().forEach(result -> result.fill(Double.NaN));
        }
    }

    @Override
    public void trim() {
        workspace.close();
        workspace = new Workspace(backend.space());
        Side.super.trim();
    }

    @Override
    public void close() {
        clock.close();
        workspace.close();
        arena.close();
    }
}
