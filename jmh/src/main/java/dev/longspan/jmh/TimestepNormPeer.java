package dev.longspan.jmh;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.longspan.bench.Comparison;
import dev.longspan.bench.Deviation;
import dev.longspan.bench.TimestepNormProblem;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.lang.invoke.MethodHandle;
import org.jspecify.annotations.Nullable;

/** {@code timestep_norm.c} on a problem, on one thread. */
final class TimestepNormPeer implements Comparison.Run {

    private final MethodHandle function = CLibrary.function("peer_timestep_norm", JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS,
            ADDRESS, ADDRESS, JAVA_DOUBLE, JAVA_LONG, ADDRESS, ADDRESS, ADDRESS);
    private final TensorArena arena = new TensorArena();
    private final TimestepNormProblem problem;
    private final Tensor y;
    private final Tensor mean;
    private final Tensor var;
    private @Nullable Deviation deviation;

    TimestepNormPeer(TimestepNormProblem problem) {
        this.problem = problem;
        y = arena.allocate(DType.F32, problem.x.shape()).fill(Double.NaN);
        mean = arena.allocate(DType.F64, problem.groups);
        var = arena.allocate(DType.F64, problem.groups);
    }

    @Override
    public double seconds() {
        mean.fill(0);
        var.fill(1);
        long size = problem.x.size(2) / problem.groups;
        long start = System.nanoTime();
        Call.of(() -> {
            function.invokeExact(problem.x.size(1), (long) problem.groups, size, problem.x.segment(),
                problem.weight.segment(), problem.bias.segment(), TimestepNormProblem.EPS, 0L, y.segment(), mean.segment(),
                var.segment());
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
