package dev.longspan.bench;

import dev.longspan.backend.Backend;
import dev.longspan.kernel.GemmKernel;
import dev.longspan.kernel.PackedMatrix;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** {@code c = a·b} of square float32 matrices, b packed before if so asked, with sampled elements checked in double. */
final class GemmRun implements Comparison.Run {

    private static final int SAMPLES = 200;

    private final TensorArena arena = new TensorArena();
    private final Runnable product;
    private final Tensor a;
    private final Tensor b;
    private final Tensor c;
    private @Nullable Deviation deviation;

    GemmRun(Backend backend, Parallel parallel, int size, boolean pack) {
        a = arena.allocate(DType.F32, size, size);
        b = arena.allocate(DType.F32, size, size);
        c = arena.allocate(DType.F32, size, size);
        new Noise(1).fill(a);
        new Noise(2).fill(b);
        c.fill(Double.NaN);
        GemmKernel gemm = backend.kernels().gemm();
        if (pack) {
            PackedMatrix packed = gemm.pack(parallel, b, arena);
            product = () -> packed.gemm(parallel, a, null, c, false);
        } else {
            product = () -> gemm.gemm(parallel, a, b, null, c, false);
        }
    }

    @Override
    public double seconds() {
        long start = System.nanoTime();
        product.run();
        double seconds = (System.nanoTime() - start) * 1e-9;
        if (deviation == null) {
            deviation = check();
        }
        return seconds;
    }

    @Override
    public Deviation deviation() {
        if (deviation == null) {
            throw new IllegalStateException("no product was made yet");
        }
        return deviation;
    }

    private Deviation check() {
        int size = Math.toIntExact(a.size(0));
        SplittableRandom random = new SplittableRandom(size);
        double[] expected = new double[SAMPLES];
        double[] actual = new double[SAMPLES];
        for (int i = 0; i < SAMPLES; i++) {
            int row = random.nextInt(size);
            int column = random.nextInt(size);
            for (int k = 0; k < size; k++) {
                expected[i] += a.get(row, k) * b.get(k, column);
            }
            actual[i] = c.get(row, column);
        }
        // Each of K partial sums, of size up to √K, is rounded by ε/2: εK/3 is the standard deviation, and this twelve times it.
        return Deviation.of(expected, actual, 4 * Math.ulp(1f) * size);
    }

    @Override
    public void close() {
        arena.close();
    }
}
