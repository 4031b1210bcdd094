package dev.longspan.bench;

import dev.longspan.backend.Backend;
import dev.longspan.kernel.ScanKernel;
import dev.longspan.kernel.ScanPlan;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * The operands of one CEMA, and the answer of sampled channels in float64. x, dy: F32 [1, L, D]; q, c: F64 [n, 2, D]; modes
 * have 1 − |q| from 0.5 down to 5e-5. Serves one thread.
 */
public final class CemaProblem implements AutoCloseable {

    /** What MEGALODON promises of 64K steps, relative to the largest element. */
    private static final double TOLERANCE = 5e-4;

    public final Tensor x;
    public final Tensor q;
    public final Tensor c;
    public final Tensor omega;
    public final Tensor dy;
    final TensorArena arena = new TensorArena();
    private final int[] sample;

    public CemaProblem(long rows, int channels, int modes) {
        SplittableRandom random = new SplittableRandom(rows);
        x = noise(1, 1, rows, channels);
        dy = noise(2, 1, rows, channels);
        omega = noise(3, channels, 1);
        q = arena.allocate(DType.F64, modes, 2, channels);
        double[] values = new double[2 * modes * channels];
        for (int mode = 0; mode < modes; mode++) {
            for (int d = 0; d < channels; d++) {
                double radius = 1 - 0.5 * Math.pow(10, -4 * random.nextDouble());
                double phase = 2 * Math.PI * (mode + 1) / modes * random.nextDouble();
                values[2 * mode * channels + d] = radius * Math.cos(phase);
                values[(2 * mode + 1) * channels + d] = radius * Math.sin(phase);
            }
        }
        q.set(values);
        c = arena.allocate(DType.F64, modes, 2, channels)
                .set(random.doubles(2L * modes * channels, -1, 1).toArray());
        sample = new int[] {0, random.nextInt(channels), channels - 1};
    }

    /** 12 operations a mode and step forward: a complex multiply-add and half of one; 28 more backward. */
    public static double gigaflop(long rows, int channels, int modes, boolean backward) {
        return (backward ? 40e-9 : 12e-9) * rows * channels * modes;
    }

    /** x is read and y written; backward x, dy and dx are read and dx is written. */
    public static double gigabytes(long rows, int channels, boolean backward) {
        return (backward ? 24e-9 : 8e-9) * rows * channels;
    }

    private Tensor noise(long seed, long... shape) {
        Tensor t = arena.allocate(DType.F32, shape);
        new Noise(seed).fill(t);
        return t;
    }

    /** How far y is off. */
    public Deviation check(Tensor y) {
        try (TensorArena doubles = new TensorArena()) {
            return compare(run(doubles, false)[0], y);
        }
    }

    /** How far y and the gradients are off. */
    public Deviation check(Tensor y, Tensor dx, Tensor dq, Tensor dc, Tensor dOmega) {
        try (TensorArena doubles = new TensorArena()) {
            Tensor[] expected = run(doubles, true);
            return compare(expected[0], y).worse(compare(expected[1], dx)).worse(compare(expected[2], dq))
                    .worse(compare(expected[3], dc)).worse(compare(expected[4].reshape(sample.length),
                            dOmega.reshape(dOmega.elements())));
        }
    }

    /** y, dx, dq, dc and dω of the sampled channels. */
    private Tensor[] run(TensorArena doubles, boolean backward) {
        ScanKernel scalar = Backend.named("scalar").kernels().scan();
        Parallel one = Parallel.of(1);
        Tensor xs = channels(doubles, x);
        Tensor qs = channels(doubles, q);
        Tensor cs = channels(doubles, c);
        Tensor omegas = channels(doubles, omega.reshape(omega.elements())).reshape(sample.length, 1);
        Tensor y = doubles.allocate(DType.F64, xs.shape());
        Tensor last = doubles.allocate(DType.F64, 1, q.size(0), 2, sample.length);
        Tensor kept = doubles.allocate(DType.F64, 1, ScanPlan.blocks(x.size(1)), q.size(0), 2, sample.length);
        Tensor[] gradients = {y, doubles.allocate(DType.F64, xs.shape()), doubles.allocate(DType.F64, qs.shape()),
            doubles.allocate(DType.F64, qs.shape()), doubles.allocate(DType.F64, omegas.shape())};
        scalar.cema(one, ScanPlan.forward(), xs, qs, cs, omegas, null, y, last, kept);
        if (backward) {
            scalar.cemaBackward(one, ScanPlan.forward(), xs, qs, cs, omegas, kept, channels(doubles, dy), null, gradients[1],
                    gradients[2], gradients[3], gradients[4], null);
        }
        return gradients;
    }

    private Deviation compare(Tensor expected, Tensor actual) {
        try (TensorArena doubles = new TensorArena()) {
            double[] values = expected.toDoubles();
            double largest = Arrays.stream(values).map(Math::abs).max().orElse(0);
            return Deviation.of(values, channels(doubles, actual).toDoubles(), TOLERANCE * largest);
        }
    }

    /** The sampled channels, the last dimension, in float64. */
    private Tensor channels(TensorArena doubles, Tensor of) {
        long[] shape = new long[of.rank()];
        Arrays.setAll(shape, i -> i == shape.length - 1 ? sample.length : of.size(i));
        Tensor taken = doubles.allocate(DType.F64, shape);
        for (int i = 0; i < sample.length; i++) {
            taken.slice(-1, i, i + 1).set(of.slice(-1, sample[i], sample[i] + 1).toDoubles());
        }
        return taken;
    }

    @Override
    public void close() {
        arena.close();
    }
}
