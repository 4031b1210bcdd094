package dev.longspan.kernel.scalar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.longspan.kernel.RandomTensors;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ScalarNormTest {

    private static final double EPS = 1e-3;

    private final TensorArena arena = new TensorArena();
    private final RandomTensors tensors = new RandomTensors(arena, new Random(7), DType.F64);
    private final ScalarNorm norm = new ScalarNorm();
    private final Parallel parallel = Parallel.of(2);

    @AfterEach
    void close() {
        arena.close();
    }

    @Test
    void layerNormOfFourNumbersByHand() {
        Tensor x = arena.allocate(DType.F32, 1, 4).set(1, 3, 5, 7);
        Tensor y = arena.allocate(DType.F32, 1, 4);
        Tensor mean = arena.allocate(DType.F32, 1);
        Tensor rstd = arena.allocate(DType.F32, 1);
        Tensor weight = arena.allocate(DType.F32, 4).set(1, 1, 2, 0);
        Tensor bias = arena.allocate(DType.F32, 4).set(0, 0, 0, 9);
        norm.layerNorm(parallel, x, weight, bias, 0, 0, y, mean, rstd);
        double s = Math.sqrt(5);
        assertThat(y.toDoubles()).containsExactly(new double[]{-3 / s, -1 / s, 2 / s, 9}, within(1e-6));
        assertThat(mean.item()).isEqualTo(4);
        assertThat(rstd.item()).isCloseTo(1 / s, within(1e-7));
    }

    @Test
    void rmsNormOfTwoNumbersByHand() {
        Tensor x = arena.allocate(DType.F64, 1, 2).set(3, 4);
        Tensor y = arena.allocate(DType.F64, 1, 2);
        Tensor rstd = arena.allocate(DType.F64, 1);
        Tensor weight = arena.allocate(DType.F64, 2).set(0, 1);
        norm.rmsNorm(parallel, x, weight, 1, 0, y, rstd);
        double rms = Math.sqrt(12.5);
        assertThat(y.toDoubles()).containsExactly(new double[]{3 / rms, 8 / rms}, within(1e-15));
    }

    @Test
    void softmaxOfThreeNumbersByHand() {
        Tensor x = arena.allocate(DType.F32, 2, 3).set(0, (float) Math.log(2), (float) Math.log(5), 1000,
                Float.NEGATIVE_INFINITY, 1000);
        Tensor y = arena.allocate(DType.F32, 2, 3);
        norm.softmax(parallel, x, y);
        assertThat(y.toDoubles()).containsExactly(new double[]{0.125, 0.25, 0.625, 0.5, 0, 0.5}, within(1e-7));
        Tensor dy = arena.allocate(DType.F32, 2, 3).set(8, 4, 0, 2, 5, 4);
        Tensor dx = arena.allocate(DType.F32, 2, 3).fill(1);
        norm.softmaxBackward(parallel, y, dy, dx);
        assertThat(dx.toDoubles()).containsExactly(new double[]{1.75, 1.5, -0.25, 0.5, 1, 1.5}, within(1e-6));
    }

    @Test
    void gradientsAreThoseOfCentralDifferences() {
        for (boolean layer : new boolean[]{true, false}) {
            for (boolean weighted : new boolean[]{true, false}) {
                Tensor x = tensors.contiguous(35, 9);
                Tensor weight = weighted ? tensors.contiguous(9) : null;
                Tensor bias = weighted && layer ? tensors.contiguous(9) : null;
                Tensor dy = tensors.contiguous(35, 9);
                Tensor dx = tensors.contiguous(35, 9);
                Tensor dWeight = weighted ? tensors.contiguous(9) : null;
                Tensor dBias = bias != null ? tensors.contiguous(9) : null;
                Tensor beforeX = tensors.copy(dx);
                Tensor beforeWeight = dWeight == null ? null : tensors.copy(dWeight);
                Tensor beforeBias = dBias == null ? null : tensors.copy(dBias);
                Tensor mean = tensors.contiguous(35);
                Tensor rstd = tensors.contiguous(35);
                loss(layer, x, weight, bias, dy, mean, rstd);
                if (layer) {
                    norm.layerNormBackward(parallel, x, weight, 0.5, mean, rstd, dy, dx, dWeight, dBias);
                } else {
                    norm.rmsNormBackward(parallel, x, weight, 0.5, rstd, dy, dx, dWeight);
                }
                Differences.check("x", x, beforeX, dx, () -> loss(layer, x, weight, bias, dy, mean, rstd));
                if (weight != null && beforeWeight != null && dWeight != null) {
                    Differences.check("weight", weight, beforeWeight, dWeight, () -> loss(layer, x, weight, bias, dy, mean, rstd));
                }
                if (bias != null && beforeBias != null && dBias != null) {
                    Differences.check("bias", bias, beforeBias, dBias, () -> loss(layer, x, weight, bias, dy, mean, rstd));
                }
            }
        }
    }

    private double loss(boolean layer, Tensor x, @Nullable Tensor weight, @Nullable Tensor bias, Tensor dy, Tensor mean,
            Tensor rstd) {
        Tensor y = arena.allocate(DType.F64, x.shape());
        if (layer) {
            norm.layerNorm(parallel, x, weight, bias, 0.5, EPS, y, mean, rstd);
        } else {
            norm.rmsNorm(parallel, x, weight, 0.5, EPS, y, rstd);
        }
        return Differences.dot(y, dy);
    }

    @Test
    void oneAndThreeThreadsAddTheSameParameterGradients() {
        RandomTensors floats = new RandomTensors(arena, new Random(3), DType.F32);
        Tensor x = floats.contiguous(50, 130);
        Tensor dy = floats.contiguous(50, 130);
        Tensor rstd = floats.contiguous(50);
        Tensor one = arena.allocate(DType.F32, 130);
        Tensor three = arena.allocate(DType.F32, 130);
        norm.rmsNormBackward(Parallel.of(1), x, null, 0, rstd, dy, null, one);
        norm.rmsNormBackward(Parallel.of(3), x, null, 0, rstd, dy, null, three);
        assertThat(three.toFloats()).isEqualTo(one.toFloats());
    }
}
