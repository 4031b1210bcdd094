package dev.longspan.kernel.scalar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.longspan.kernel.Decay;
import dev.longspan.kernel.RandomTensors;
import dev.longspan.kernel.Rotary;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ScalarRotaryTest {

    private final TensorArena arena = new TensorArena();
    private final RandomTensors tensors = new RandomTensors(arena, new Random(5), DType.F64);
    private final ScalarRotary kernel = new ScalarRotary();
    private final Parallel parallel = Parallel.of(2);

    @AfterEach
    void close() {
        arena.close();
    }

    @Test
    void pairsTurnByPositionTimesFrequency() {
        Tensor x = arena.allocate(DType.F64, 1, 2, 1, 4).set(1, 0, 1, 0, 1, 0, 0, 1);
        Tensor y = arena.allocate(DType.F64, 1, 2, 1, 4);
        kernel.forward(parallel, Rotary.rope(4, 100, 0), 2, x, y);
        assertThat(y.toDoubles()).containsExactly(new double[]{Math.cos(2), Math.sin(2), Math.cos(0.2), Math.sin(0.2),
                Math.cos(3), Math.sin(3), -Math.sin(0.3), Math.cos(0.3)}, within(1e-15));
    }

    @Test
    void halvesTurnAsNeighboursDoInTheirPlaces() {
        int[] neighbourOf = {0, 2, 4, 1, 3, 5}; // the place among neighbours of what stands at i among halves
        for (Rotary rotary : new Rotary[]{Rotary.rope(6, 10000, 0), Rotary.xpos(6, 4, -1)}) {
            Tensor x = tensors.headsFirst(2, 5, 3, 6);
            Tensor y = tensors.headsFirst(2, 5, 3, 6);
            Tensor reordered = tensors.headsFirst(2, 5, 3, 6);
            Tensor z = tensors.headsFirst(2, 5, 3, 6);
            for (int i = 0; i < 6; i++) {
                reordered.slice(3, i, i + 1).copyFrom(x.slice(3, neighbourOf[i], neighbourOf[i] + 1));
            }
            kernel.forward(parallel, rotary, 8190, x, y);
            kernel.forward(parallel, rotary.withPairs(Rotary.Pairs.HALVES), 8190, reordered, z);
            Decay decay = rotary.decay();
            for (int i = 0; i < 6; i++) {
                assertThat(z.slice(3, i, i + 1).toDoubles()).isEqualTo(y.slice(3, neighbourOf[i], neighbourOf[i] + 1).toDoubles());
                if (decay != null) {
                    assertThat(Objects.requireNonNull(rotary.withPairs(Rotary.Pairs.HALVES).decay()).factor(i, 2))
                            .isEqualTo(decay.factor(neighbourOf[i], 2));
                }
            }
        }
    }

    @Test
    void positionsRepeatAfterAPeriod() {
        Tensor x = tensors.headsFirst(2, 5, 3, 6);
        Tensor y = tensors.headsFirst(2, 5, 3, 6);
        Tensor z = tensors.headsFirst(2, 5, 3, 6);
        kernel.forward(parallel, Rotary.rope(6, 10000, 8), 3, x, y);
        kernel.forward(parallel, Rotary.rope(6, 10000, 8), 8003, x, z);
        assertThat(z.toDoubles()).isEqualTo(y.toDoubles());
    }

    @Test
    void theWayBackIsTheTransposedMap() {
        Rotary rotary = new Rotary(6, 10000, 0, 4, -1, 0, 3);
        Tensor x = tensors.headsFirst(2, 5, 3, 6);
        Tensor y = tensors.headsFirst(2, 5, 3, 6);
        Tensor dy = tensors.headsFirst(2, 5, 3, 6);
        Tensor dx = tensors.headsFirst(2, 5, 3, 6);
        Tensor before = tensors.copy(dx);
        kernel.backward(parallel, rotary, 7, dy, dx);
        Differences.check("x", x, before, dx, () -> {
            kernel.forward(parallel, rotary, 7, x, y);
            return Differences.dot(y, dy);
        });
    }

    @Test
    void xposScoresDependOnTheDistanceAloneAcrossEpochsAndStayFinite() {
        int dim = 8;
        Rotary forQueries = Rotary.xpos(dim, 512, 1);
        Rotary forKeys = Rotary.xpos(dim, 512, -1);
        Decay decay = Objects.requireNonNull(forQueries.decay());
        Tensor q = tensors.contiguous(1, 1, 1, dim);
        Tensor k = tensors.contiguous(1, 1, 1, dim);
        for (long distance : new long[]{0, 1, 500, 9000}) {
            double near = score(forQueries, forKeys, decay, q, k, 9500, 9500 - distance);
            double far = score(forQueries, forKeys, decay, q, k, 10_009_500, 10_009_500 - distance);
            assertThat(far).as("distance=" + distance).isCloseTo(near, within(1e-8 * Math.max(Math.abs(near), 1e-3)));
            assertThat(near).isEqualTo(definition(q, k, distance), within(1e-10));
        }
    }

    private double score(Rotary forQueries, Rotary forKeys, Decay decay, Tensor q, Tensor k, long p, long s) {
        Tensor rq = arena.allocate(DType.F64, q.shape());
        Tensor rk = arena.allocate(DType.F64, k.shape());
        kernel.forward(parallel, forQueries, p, q, rq);
        kernel.forward(parallel, forKeys, s, k, rk);
        double sum = 0;
        for (int d = 0; d < q.size(3); d++) {
            sum += rq.get(0, 0, 0, d) * rk.get(0, 0, 0, d) * decay.factor(d, p / decay.epoch() - s / decay.epoch());
        }
        return sum;
    }

    /** Sun et al., equation 9: {@code Σ ζₘ^(n/512) (cos(n θₘ) q·k + sin(n θₘ) q×k)}. */
    private static double definition(Tensor q, Tensor k, long n) {
        int dim = (int) q.size(3);
        double sum = 0;
        for (long m = 0; m < dim / 2; m++) {
            double zeta = (2 * m + 0.4 * dim) / (1.4 * dim);
            double angle = n * Math.pow(10000, -2.0 * m / dim);
            double dot = q.get(0, 0, 0, 2 * m) * k.get(0, 0, 0, 2 * m) + q.get(0, 0, 0, 2 * m + 1) * k.get(0, 0, 0, 2 * m + 1);
            double cross = q.get(0, 0, 0, 2 * m) * k.get(0, 0, 0, 2 * m + 1) - q.get(0, 0, 0, 2 * m + 1) * k.get(0, 0, 0, 2 * m);
            sum += Math.pow(zeta, n / 512.0) * (Math.cos(angle) * dot + Math.sin(angle) * cross);
        }
        return sum;
    }
}
