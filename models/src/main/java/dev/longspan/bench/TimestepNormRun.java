package dev.longspan.bench;

import dev.longspan.backend.Backend;
import dev.longspan.kernel.Moments;
import dev.longspan.kernel.TimestepNormKernel;
import dev.longspan.kernel.TimestepNormPlan;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** A {@link TimestepNormProblem} on a backend, forward. */
public final class TimestepNormRun implements Comparison.Run {

    private final TimestepNormProblem problem;
    private final TimestepNormKernel kernel;
    private final Parallel parallel;
    private final Moments fresh;
    private final Moments last;
    private final Tensor y;
    private @Nullable Deviation deviation;

    public TimestepNormRun(Backend backend, Parallel parallel, TimestepNormProblem problem) {
        this.problem = problem;
        this.parallel = parallel;
        kernel = backend.kernels().timestepNorm();
        fresh = TimestepNormProblem.fresh(problem.arena, problem.groups);
        last = TimestepNormProblem.fresh(problem.arena, problem.groups);
        y = problem.arena.allocate(DType.F32, problem.x.shape()).fill(Double.NaN);
    }

    /** Seconds of one run; the first is checked. */
    @Override
    public double seconds() {
        TimestepNormPlan plan = TimestepNormPlan.of(0, TimestepNormProblem.EPS);
        long start = System.nanoTime();
        kernel.forward(parallel, plan, problem.x, problem.weight, problem.bias, fresh, null, y, last, null, null);
        double seconds = (System.nanoTime() - start) * 1e-9;
        if (deviation == null) {
            deviation = problem.check(y);
        }
        return seconds;
    }

    @Override
    public Deviation deviation() {
        if (deviation == null) {
            throw new IllegalStateException("nothing has run yet");
        }
        return deviation;
    }

    @Override
    public void close() {
        // The problem owns the memory.
    }
}
