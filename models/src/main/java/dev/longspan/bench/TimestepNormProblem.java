package dev.longspan.bench;

import dev.longspan.backend.Backend;
import dev.longspan.kernel.Moments;
import dev.longspan.kernel.TimestepNormPlan;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.Arrays;

/** The operands of one timestep norm, x: F32 [1, L, D], and the answer of its last group in float64. Serves one thread. */
public final class TimestepNormProblem implements AutoCloseable {

    /** Sums of 64 terms in float32, relative to the largest element. */
    private static final double TOLERANCE = 2e-5;
    public static final double EPS = 1e-5;

    public final Tensor x;
    public final Tensor weight;
    public final Tensor bias;
    public final int groups;
    final TensorArena arena = new TensorArena();

    public TimestepNormProblem(long rows, int channels, int groups) {
        this.groups = groups;
        x = noise(1, 1, rows, channels);
        weight = noise(2, channels);
        bias = noise(3, channels);
    }

    /** x is read and y written. */
    public static double gigabytes(long rows, int channels) {
        return 8e-9 * rows * channels;
    }

    private Tensor noise(long seed, long... shape) {
        Tensor t = arena.allocate(DType.F32, shape);
        new Noise(seed).fill(t);
        return t;
    }

    /** No timesteps, mean 0 and variance 1. */
    static Moments fresh(TensorArena arena, long groups) {
        return new Moments(arena.allocate(DType.I64, 1), arena.allocate(DType.F64, 1, groups),
                arena.allocate(DType.F64, 1, groups).fill(1));
    }

    /** How far y is off. */
    public Deviation check(Tensor y) {
        try (TensorArena doubles = new TensorArena()) {
            Tensor xs = group(doubles, x);
            Tensor expected = doubles.allocate(DType.F64, xs.shape());
            Backend.named("scalar").kernels().timestepNorm().forward(Parallel.of(1), TimestepNormPlan.of(0, EPS), xs,
                    group(doubles, weight), group(doubles, bias), fresh(doubles, 1), null, expected, fresh(doubles, 1), null,
                    null);
            double[] values = expected.toDoubles();
            return Deviation.of(values, group(doubles, y).toDoubles(),
                    TOLERANCE * Arrays.stream(values).map(Math::abs).max().orElse(0));
        }
    }

    private Tensor group(TensorArena doubles, Tensor of) {
        long size = of.size(-1) / groups;
        Tensor last = of.slice(-1, of.size(-1) - size, of.size(-1));
        return doubles.allocate(DType.F64, last.shape()).set(last.toDoubles());
    }

    @Override
    public void close() {
        arena.close();
    }
}
