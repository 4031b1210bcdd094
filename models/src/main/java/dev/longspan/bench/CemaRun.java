package dev.longspan.bench;

import dev.longspan.backend.Backend;
import dev.longspan.kernel.ScanKernel;
import dev.longspan.kernel.ScanPlan;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** A {@link CemaProblem} on a backend, forward or forward and backward. */
public final class CemaRun implements Comparison.Run {

    private final CemaProblem problem;
    private final ScanKernel kernel;
    private final Parallel parallel;
    private final Tensor y;
    private final Tensor last;
    private final @Nullable Tensor kept;
    private final Tensor dx;
    private final Tensor dq;
    private final Tensor dc;
    private final Tensor dOmega;
    private @Nullable Deviation deviation;

    public CemaRun(Backend backend, Parallel parallel, CemaProblem problem, boolean backward) {
        this.problem = problem;
        this.parallel = parallel;
        kernel = backend.kernels().scan();
        long modes = problem.q.size(0);
        y = problem.arena.allocate(DType.F32, problem.x.shape()).fill(Double.NaN);
        last = problem.arena.allocate(DType.F32, 1, modes, 2, problem.x.size(2));
        kept = backward ? problem.arena.allocate(DType.F32, 1, ScanPlan.blocks(problem.x.size(1)), modes, 2, problem.x.size(2))
                : null;
        dx = problem.arena.allocate(DType.F32, backward ? problem.x.shape() : new long[] {0});
        dq = problem.arena.allocate(DType.F64, problem.q.shape());
        dc = problem.arena.allocate(DType.F64, problem.q.shape());
        dOmega = problem.arena.allocate(DType.F32, problem.omega.shape());
    }

    /** Seconds of one run; the first is checked. Gradients add up. */
    @Override
    public double seconds() {
        ScanPlan plan = ScanPlan.forward();
        long start = System.nanoTime();
        kernel.cema(parallel, plan, problem.x, problem.q, problem.c, problem.omega, null, y, last, kept);
        if (kept != null) {
            kernel.cemaBackward(parallel, plan, problem.x, problem.q, problem.c, problem.omega, kept, problem.dy, null, dx, dq,
                    dc, dOmega, null);
        }
        double seconds = (System.nanoTime() - start) * 1e-9;
        if (deviation == null) {
            deviation = kept == null ? problem.check(y) : problem.check(y, dx, dq, dc, dOmega);
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
