package dev.longspan.jmh;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.longspan.bench.CemaProblem;
import dev.longspan.bench.Comparison;
import dev.longspan.bench.Deviation;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.lang.invoke.MethodHandle;
import org.jspecify.annotations.Nullable;

/** {@code cema.c} on a problem, forward on one thread. */
final class CemaPeer implements Comparison.Run {

    private final MethodHandle function = CLibrary.function("peer_cema", JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS, ADDRESS,
            ADDRESS, ADDRESS, ADDRESS, ADDRESS);
    private final TensorArena arena = new TensorArena();
    private final CemaProblem problem;
    private final Tensor q;
    private final Tensor c;
    private final Tensor y;
    private final Tensor state;
    private @Nullable Deviation deviation;

    CemaPeer(CemaProblem problem) {
        this.problem = problem;
        q = arena.allocate(DType.F32, problem.q.shape()).set(problem.q.toDoubles());
        c = arena.allocate(DType.F32, problem.c.shape()).set(problem.c.toDoubles());
        y = arena.allocate(DType.F32, problem.x.shape()).fill(Double.NaN);
        state = arena.allocate(DType.F32, problem.q.shape());
    }

    @Override
    public double seconds() {
        long start = System.nanoTime();
        Call.of(() -> {
            function.invokeExact(problem.x.size(1), problem.x.size(2), q.size(0), problem.x.segment(), q.segment(),
                c.segment(), problem.omega.segment(), y.segment(), state.segment());
        });
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
        arena.close();
    }
}
