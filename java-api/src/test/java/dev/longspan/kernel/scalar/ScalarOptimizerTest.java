package dev.longspan.kernel.scalar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.longspan.kernel.AdamWStep;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ScalarOptimizerTest {

    private final TensorArena arena = new TensorArena();
    private final ScalarOptimizer optimizer = new ScalarOptimizer();
    private final Parallel parallel = Parallel.of(2);

    @AfterEach
    void close() {
        arena.close();
    }

    private Tensor vector(double... values) {
        return arena.allocate(DType.F64, values.length).set(values);
    }

    @Test
    void firstStepMovesByTheLearningRateAndDecays() {
        Tensor w = vector(1, -2);
        Tensor m = vector(0, 0);
        Tensor v = vector(0, 0);
        optimizer.adamW(parallel, new AdamWStep(0.1, 0.9, 0.99, 0, 0.5, 2, 1), w, vector(3, -4), m, v);
        assertThat(w.toDoubles()).containsExactly(new double[]{1 - 0.1 - 0.05, -2 + 0.1 + 0.1}, within(1e-14));
        assertThat(m.toDoubles()).containsExactly(new double[]{0.6, -0.8}, within(1e-14));
        assertThat(v.toDoubles()).containsExactly(new double[]{0.36, 0.64}, within(1e-14));
    }

    @Test
    void secondStepFollowsTheFormula() {
        Tensor w = vector(1);
        Tensor m = vector(0.5);
        Tensor v = vector(0.2);
        optimizer.adamW(parallel, new AdamWStep(0.1, 0.9, 0.99, 1e-3, 0, 1, 2), w, vector(3), m, v);
        double mean = 0.9 * 0.5 + 0.1 * 3;
        double square = 0.99 * 0.2 + 0.01 * 9;
        double expected = 1 - 0.1 * (mean / (1 - 0.81)) / (Math.sqrt(square / (1 - 0.9801)) + 1e-3);
        assertThat(w.item()).isCloseTo(expected, within(1e-14));
    }

    @Test
    void measuresCoverEveryBlock() {
        Tensor x = arena.allocate(DType.F32, 200_001).fill(2);
        assertThat(optimizer.sumOfSquares(parallel, x)).isEqualTo(800_004);
        assertThat(optimizer.countNonFinite(parallel, x)).isZero();
        x.slice(0, 200_000, 200_001).fill(Double.NaN);
        x.slice(0, 0, 1).fill(Double.NEGATIVE_INFINITY);
        assertThat(optimizer.countNonFinite(parallel, x)).isEqualTo(2);
        assertThat(optimizer.sumOfSquares(parallel, arena.allocate(DType.F32, 0))).isZero();
    }

    @Test
    void clampKeepsNaN() {
        Tensor x = vector(-5, 0.5, Double.NaN, Double.POSITIVE_INFINITY);
        optimizer.clamp(parallel, x, 2);
        assertThat(x.toDoubles()).containsExactly(-2, 0.5, Double.NaN, 2);
    }
}
