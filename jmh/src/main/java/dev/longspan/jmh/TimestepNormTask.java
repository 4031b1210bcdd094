package dev.longspan.jmh;

import dev.longspan.backend.Backend;
import dev.longspan.bench.Deviation;
import dev.longspan.bench.TimestepNormProblem;
import dev.longspan.kernel.Moments;
import dev.longspan.kernel.TimestepNormPlan;
import dev.longspan.op.TimestepNorm;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.Map;

/** A {@link TimestepNormProblem}, forward. */
final class TimestepNormTask implements Problem {

    private final TensorArena arena = new TensorArena();
    private final TimestepNormProblem problem;
    private final Task task;

    TimestepNormTask(long rows, int channels, int groups) {
        problem = new TimestepNormProblem(rows, channels, groups);
        Tensor y = arena.allocate(DType.F32, problem.x.shape());
        task = new Task("timestep_norm", Map.of("rows", rows, "channels", (long) channels, "groups", (long) groups, "eps",
                TimestepNormProblem.EPS), Map.of("x", problem.x, "weight", problem.weight, "bias", problem.bias,
                "count", arena.allocate(DType.I64, 1), "mean", arena.allocate(DType.F64, 1, groups),
                "var", arena.allocate(DType.F64, 1, groups).fill(1)), Map.of("y", y));
    }

    @Override
    public String name() {
        return "L=" + problem.x.size(1) + " D=" + problem.x.size(2) + " groups=" + problem.groups;
    }

    @Override
    public Task task() {
        return task;
    }

    @Override
    public double gigabytes() {
        return TimestepNormProblem.gigabytes(problem.x.size(1), Math.toIntExact(problem.x.size(2)));
    }

    @Override
    public Side on(Backend backend, Parallel parallel) {
        TimestepNormPlan plan = TimestepNormPlan.of(0, TimestepNormProblem.EPS);
        return OwnSide.of(backend, parallel, task, (pass, here) -> Map.of("y", TimestepNorm.apply(pass, plan,
                here.operand("x"), here.operand("weight"), here.operand("bias"), new Moments(here.operand("count"),
                        here.operand("mean"), here.operand("var")), null).y()));
    }

    @Override
    public Deviation check() {
        return problem.check(task.answer("y"));
    }

    @Override
    public void close() {
        problem.close();
        arena.close();
    }
}
