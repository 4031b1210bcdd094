package dev.longspan.kernel.vector;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.longspan.kernel.Activation;
import dev.longspan.kernel.AttentionPlan;
import dev.longspan.kernel.Epilogue;
import dev.longspan.kernel.Moments;
import dev.longspan.kernel.PackedMatrix;
import dev.longspan.kernel.RandomNorms;
import dev.longspan.kernel.RandomTensors;
import dev.longspan.kernel.TimestepNormKernel.MomentGradients;
import dev.longspan.kernel.TimestepNormPlan;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.lang.management.ManagementFactory;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Kernels keep vectors in registers, whatever other kernels have done before. */
@OnThisCpu
final class BoxingTest {

    private static final int ROWS = 384;
    private static final int DIM = 64;
    private static final int ELEMENTS = 1 << 16;
    private static final int WIDTH = 1024;
    /** Vectors that are boxed at the end of every tile take more than ten times as much. */
    private static final long MOST_BYTES = 100_000;
    /** A region and its lambdas, of 3 KB; a slice for each of 64 rows would be as much again. */
    private static final long BYTES_OF_A_CALL = 5_000;
    private static final long PATIENCE = TimeUnit.SECONDS.toNanos(60);
    private static final Parallel ONE = Parallel.of(1);

    @Test
    void normsBeforeAttentionDoNotBoxItsSums() {
        try (TensorArena arena = new TensorArena()) {
            Random random = new Random(1);
            RandomNorms norms = new RandomNorms(arena, random, DType.F32);
            RandomNorms.Case norm = norms.norm(TimestepNormPlan.of(0, 1e-3), 1, 2000, 2, 8, true, true);
            norms.run(new VectorTimestepNorm(), ONE, norm, true);
            RandomTensors tensors = new RandomTensors(arena, random, DType.F32);
            Tensor q = tensors.contiguous(1, ROWS, 1, DIM);
            Tensor k = tensors.contiguous(1, ROWS, 1, DIM);
            Tensor v = tensors.contiguous(1, ROWS, 1, DIM);
            Tensor out = arena.allocate(DType.F32, 1, ROWS, 1, DIM);
            Tensor lse = arena.allocate(DType.F32, 1, 1, ROWS);
            VectorAttention attention = new VectorAttention();
            AttentionPlan plan = AttentionPlan.causal(0.125);
            assertThat(fewestBytes(() -> {
                lse.fill(Double.NEGATIVE_INFINITY);
                attention.forward(ONE, plan, q, k, v, out, lse);
            })).as("bytes of a call").isLessThan(MOST_BYTES);
        }
    }

    @Test
    void activationsDoNotBox() {
        try (TensorArena arena = new TensorArena()) {
            VectorElementwise kernel = new VectorElementwise();
            Tensor x = arena.allocate(DType.F32, ELEMENTS).fill(0.3);
            Tensor y = arena.allocate(DType.F32, ELEMENTS);
            for (Activation f : Activation.values()) {
                assertThat(fewestBytes(() -> kernel.activation(ONE, f, x, y))).as("bytes of %s", f).isLessThan(MOST_BYTES);
                assertThat(fewestBytes(() -> kernel.activationBackward(ONE, f, x, x, y))).as("bytes of %s's gradient", f)
                        .isLessThan(MOST_BYTES);
                assertThat(fewestBytes(() -> kernel.gated(ONE, f, x, x, y))).as("bytes of a gate of %s", f)
                        .isLessThan(MOST_BYTES);
            }
        }
    }

    @Test
    void productsOfOneRowDoNotBox() {
        try (TensorArena arena = new TensorArena()) {
            VectorGemm kernel = new VectorGemm();
            Tensor a = arena.allocate(DType.F32, 1, WIDTH).fill(0.3);
            Tensor c = arena.allocate(DType.F32, 1, WIDTH);
            for (DType dtype : new DType[] {DType.F32, DType.BF16}) {
                Tensor weights = arena.allocate(dtype, WIDTH, WIDTH).fill(0.3).transpose(0, 1);
                assertThat(fewestBytes(() -> kernel.gemm(ONE, a, weights, null, c, false))).as("bytes of weights in %s", dtype)
                        .isLessThan(MOST_BYTES);
            }
        }
    }

    @Test
    void productsOfPackedWeightsNeitherBoxNorSliceOnTheHeap() {
        try (TensorArena arena = new TensorArena()) {
            Tensor a = arena.allocate(DType.F32, ROWS, WIDTH).fill(0.3);
            Tensor c = arena.allocate(DType.F32, ROWS, WIDTH);
            Tensor weights = arena.allocate(DType.F32, WIDTH, WIDTH).fill(0.3).transpose(0, 1);
            PackedMatrix packed = new VectorGemm().pack(ONE, weights, arena);
            assertThat(fewestBytes(BYTES_OF_A_CALL, () -> packed.gemm(ONE, a, null, c, false))).as("bytes of a call")
                    .isLessThan(BYTES_OF_A_CALL);
        }
    }

    @Test
    void productsThatEndInAnActivationDoNotBox() {
        try (TensorArena arena = new TensorArena()) {
            VectorGemm kernel = new VectorGemm();
            Tensor a = arena.allocate(DType.F32, ROWS, DIM).fill(0.3);
            Tensor weights = arena.allocate(DType.F32, DIM, WIDTH).fill(0.3);
            Tensor up = arena.allocate(DType.F32, ROWS, WIDTH).fill(0.3);
            Tensor c = arena.allocate(DType.F32, ROWS, WIDTH);
            VectorElementwise pointwise = new VectorElementwise();
            for (Activation f : Activation.values()) {
                Epilogue epilogue = new Epilogue(f, up, null);
                assertThat(fewestBytes(() -> kernel.gemm(ONE, a, weights, null, epilogue, c, pointwise)))
                        .as("bytes of %s", f).isLessThan(MOST_BYTES);
            }
        }
    }

    @Test
    void gradientsOfNormsDoNotBox() {
        try (TensorArena arena = new TensorArena()) {
            Tensor x = arena.allocate(DType.F32, ELEMENTS / WIDTH, WIDTH).fill(0.3);
            Tensor dx = arena.allocate(DType.F32, ELEMENTS / WIDTH, WIDTH);
            Tensor perRow = arena.allocate(DType.F32, ELEMENTS / WIDTH).fill(1);
            Tensor weight = arena.allocate(DType.F32, WIDTH).fill(1);
            VectorNorm kernel = new VectorNorm();
            assertThat(fewestBytes(BYTES_OF_A_CALL, () -> kernel.layerNormBackward(ONE, x, weight, 0, perRow, perRow, x, dx, weight,
                    weight))).as("bytes of a call").isLessThan(BYTES_OF_A_CALL);
        }
    }

    @Test
    void softmaxDoesNotBox() {
        try (TensorArena arena = new TensorArena()) {
            Tensor x = arena.allocate(DType.F32, ELEMENTS / WIDTH, WIDTH).fill(0.3);
            Tensor y = arena.allocate(DType.F32, ELEMENTS / WIDTH, WIDTH);
            VectorNorm kernel = new VectorNorm();
            assertThat(fewestBytes(() -> kernel.softmax(ONE, x, y))).as("bytes of a call").isLessThan(MOST_BYTES);
            assertThat(fewestBytes(() -> kernel.softmaxBackward(ONE, y, x, x))).as("bytes of the gradient")
                    .isLessThan(MOST_BYTES);
        }
    }

    @Test
    void runningMomentsDoNotBox() {
        try (TensorArena arena = new TensorArena()) {
            RandomNorms.Case of = new RandomNorms(arena, new Random(1), DType.F32).norm(TimestepNormPlan.of(0, 1e-3), 1,
                    ROWS, 8, 32, true, true);
            Moments last = new RandomNorms(arena, new Random(2), DType.F32).moments(1, 8, 9);
            Tensor y = arena.allocate(DType.F32, 1, ROWS, 8 * 32);
            Tensor means = arena.allocate(DType.F64, 1, ROWS, 8);
            Tensor rstds = arena.allocate(DType.F64, 1, ROWS, 8);
            VectorTimestepNorm kernel = new VectorTimestepNorm();
            assertThat(fewestBytes(() -> kernel.forward(ONE, of.plan(), of.x(), of.weight(), of.bias(), of.fresh(), of.start(),
                    y, last, means, rstds))).as("bytes of a call").isLessThan(MOST_BYTES);
            MomentGradients none = new MomentGradients(null, null);
            assertThat(fewestBytes(() -> kernel.backward(ONE, of.plan(), of.x(), of.weight(), of.fresh(), of.start(), means,
                    rstds, of.dy(), none, y, null, null, none, none))).as("bytes of the gradient").isLessThan(MOST_BYTES);
        }
    }

    /** Of any call, until that is few enough: compilers need time. */
    private static long fewestBytes(Runnable call) {
        return fewestBytes(MOST_BYTES, call);
    }

    private static long fewestBytes(long few, Runnable call) {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long fewest = Long.MAX_VALUE;
        for (long start = System.nanoTime(); fewest >= few && System.nanoTime() - start < PATIENCE;) {
            long before = threads.getCurrentThreadAllocatedBytes();
            call.run();
            fewest = Math.min(fewest, threads.getCurrentThreadAllocatedBytes() - before);
        }
        return fewest;
    }
}
