package dev.longspan.kernel.vector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.longspan.kernel.AttentionKernel;
import dev.longspan.kernel.AttentionPlan;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The gradients of all keys sum to nothing, because a score added to all keys changes nothing. */
@OnThisCpu
final class AttentionRoundingTest {

    private static final AttentionKernel VECTOR = new VectorAttention();
    private static final Parallel ONE = Parallel.of(1);
    private static final int ROWS = 60;
    private static final int DIM = 8;

    private static Tensor filled(TensorArena arena, Random random, double mean, long... shape) {
        Tensor tensor = arena.allocate(DType.F32, shape);
        float[] values = new float[Math.toIntExact(tensor.elements())];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (mean + random.nextGaussian());
        }
        return tensor.set(values);
    }

    /** Queries, keys, values about 3 (whose mean δ is made of), gradients of the output, and a forward pass over them. */
    private record Pass(Tensor q, Tensor k, Tensor v, Tensor dOut, Tensor out, Tensor lse) {
        static Pass of(TensorArena arena, long seed) {
            Random random = new Random(seed);
            Pass pass = new Pass(filled(arena, random, 1, 1, ROWS, 1, DIM), filled(arena, random, 0, 1, ROWS, 1, DIM),
                    filled(arena, random, 3, 1, ROWS, 1, DIM), filled(arena, random, 0, 1, ROWS, 1, DIM),
                    arena.allocate(DType.F32, 1, ROWS, 1, DIM), arena.allocate(DType.F32, 1, 1, ROWS).fill(Double.NEGATIVE_INFINITY));
            VECTOR.forward(ONE, AttentionPlan.dense(0.35), pass.q, pass.k, pass.v, pass.out, pass.lse);
            return pass;
        }

        /** Gradients of the keys from {@code first} on, all others being elsewhere. */
        double[] dk(TensorArena arena, int first) {
            Tensor dq = arena.allocate(DType.F32, q.shape());
            Tensor keys = k.slice(1, first, ROWS);
            Tensor dk = arena.allocate(DType.F32, keys.shape());
            VECTOR.backward(ONE, AttentionPlan.dense(0.35), q, keys, v.slice(1, first, ROWS), out, lse, dOut, null, dq, dk,
                    arena.allocate(DType.F32, keys.shape()));
            return dk.toDoubles();
        }
    }

    @Test
    void theGradientOfAKeysBiasIsRounding() {
        double worst = 0;
        for (long seed = 0; seed < 40; seed++) {
            try (TensorArena arena = new TensorArena()) {
                double[] dk = Pass.of(arena, seed).dk(arena, 0);
                for (int d = 0; d < DIM; d++) {
                    double sum = 0;
                    double size = 0;
                    for (int row = 0; row < ROWS; row++) {
                        sum += dk[row * DIM + d];
                        size += Math.abs(dk[row * DIM + d]);
                    }
                    worst = Math.max(worst, Math.abs(sum) / size);
                }
            }
        }
        assertThat(worst).as("sum over sum of magnitudes").isLessThan(3e-7);
    }

    @Test
    void keysElsewhereKeepTheirShareOfTheOutput() {
        for (long seed = 0; seed < 10; seed++) {
            try (TensorArena arena = new TensorArena()) {
                Pass pass = Pass.of(arena, seed);
                double[] all = pass.dk(arena, 0);
                double[] some = pass.dk(arena, 25);
                for (int i = 0; i < some.length; i++) {
                    assertThat(some[i]).as("seed %d, element %d", seed, i).isCloseTo(all[25 * DIM + i], within(1e-5));
                }
            }
        }
    }
}
