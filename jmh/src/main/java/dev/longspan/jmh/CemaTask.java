package dev.longspan.jmh;

import dev.longspan.autograd.Pass;
import dev.longspan.backend.Backend;
import dev.longspan.bench.CemaProblem;
import dev.longspan.bench.Deviation;
import dev.longspan.kernel.ScanPlan;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.LinkedHashMap;
import java.util.Map;

/** A {@link CemaProblem}, forward or forward and backward; its coefficients are given, and what peers make of them is cached. */
final class CemaTask implements Problem {

    private final TensorArena arena = new TensorArena();
    private final CemaProblem problem;
    private final boolean backward;
    private final Task task;

    CemaTask(long rows, int channels, int modes, boolean backward) {
        this.backward = backward;
        problem = new CemaProblem(rows, channels, modes);
        Map<String, Tensor> operands = new LinkedHashMap<>(Map.of("x", problem.x, "q", problem.q, "c", problem.c, "omega",
                problem.omega));
        Map<String, Tensor> answers = new LinkedHashMap<>(Map.of("y", arena.allocate(DType.F32, problem.x.shape())));
        if (backward) {
            operands.put("dy", problem.dy);
            answers.put("dx", arena.allocate(DType.F32, problem.x.shape()));
            answers.put("dq", arena.allocate(DType.F64, problem.q.shape()));
            answers.put("dc", arena.allocate(DType.F64, problem.c.shape()));
            answers.put("dOmega", arena.allocate(DType.F32, problem.omega.shape()));
        }
        task = new Task("cema", Map.of("rows", rows, "channels", (long) channels, "modes", (long) modes, "backward", backward),
                operands, answers);
    }

    @Override
    public String name() {
        return "L=" + problem.x.size(1) + " D=" + problem.x.size(2) + " n=" + problem.q.size(0) + (backward ? " fwd+bwd" : " fwd");
    }

    @Override
    public Task task() {
        return task;
    }

    @Override
    public double gigaflop() {
        return CemaProblem.gigaflop(problem.x.size(1), Math.toIntExact(problem.x.size(2)), Math.toIntExact(problem.q.size(0)),
                backward);
    }

    @Override
    public double gigabytes() {
        return CemaProblem.gigabytes(problem.x.size(1), Math.toIntExact(problem.x.size(2)), backward);
    }

    @Override
    public Side on(Backend backend, Parallel parallel) {
        return OwnSide.of(backend, parallel, task, this::run);
    }

    private Map<String, Tensor> run(Pass pass, Task here) {
        Tensor x = here.operand("x");
        Tensor q = here.operand("q");
        Tensor c = here.operand("c");
        Tensor omega = here.operand("omega");
        Tensor y = pass.allocate(DType.F32, x.shape());
        Tensor last = pass.allocate(DType.F32, 1, q.size(0), 2, q.size(2));
        Tensor kept = backward ? pass.allocate(DType.F32, 1, ScanPlan.blocks(x.size(1)), q.size(0), 2, q.size(2)) : null;
        ScanPlan plan = ScanPlan.forward();
        pass.kernels().scan().cema(pass.parallel(), plan, x, q, c, omega, null, y, last, kept);
        if (kept == null) {
            return Map.of("y", y);
        }
        Tensor dx = pass.zeros(DType.F32, x.shape());
        Tensor dq = pass.zeros(DType.F64, q.shape());
        Tensor dc = pass.zeros(DType.F64, c.shape());
        Tensor dOmega = pass.zeros(DType.F32, omega.shape());
        pass.kernels().scan().cemaBackward(pass.parallel(), plan, x, q, c, omega, kept, here.operand("dy"), null, dx, dq, dc,
                dOmega, null);
        return Map.of("y", y, "dx", dx, "dq", dq, "dc", dc, "dOmega", dOmega);
    }

    @Override
    public Deviation check() {
        return backward ? problem.check(task.answer("y"), task.answer("dx"), task.answer("dq"), task.answer("dc"),
                task.answer("dOmega")) : problem.check(task.answer("y"));
    }

    @Override
    public void close() {
        problem.close();
        arena.close();
    }
}
