package dev.longspan.kernel.scalar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.longspan.kernel.Activation;
import dev.longspan.kernel.Dropout;
import dev.longspan.kernel.RandomTensors;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ScalarElementwiseTest {

    private final TensorArena arena = new TensorArena();
    private final RandomTensors tensors = new RandomTensors(arena, new Random(5), DType.F64);
    private final ScalarElementwise elementwise = new ScalarElementwise();
    private final Parallel parallel = Parallel.of(2);

    @AfterEach
    void close() {
        arena.close();
    }

    private Tensor vector(double... values) {
        return arena.allocate(DType.F32, values.length).set(values);
    }

    @Test
    void arithmeticByHand() {
        Tensor y = vector(Double.NaN, Double.NaN);
        elementwise.fill(parallel, y, 7);
        assertThat(y.toDoubles()).containsExactly(7, 7);
        elementwise.axpby(parallel, 2, vector(1, 2), 3, y);
        assertThat(y.toDoubles()).containsExactly(23, 25);
        y.fill(Double.NaN);
        elementwise.axpby(parallel, 2, vector(1, 2), 0, y);
        assertThat(y.toDoubles()).containsExactly(2, 4);
        elementwise.add(parallel, vector(1, 2), vector(3, 5), y);
        assertThat(y.toDoubles()).containsExactly(4, 7);
        elementwise.multiply(parallel, vector(1, 2), vector(3, 5), y, true);
        assertThat(y.toDoubles()).containsExactly(7, 17);
        elementwise.multiply(parallel, vector(1, 2), vector(3, 5), y, false);
        assertThat(y.toDoubles()).containsExactly(3, 10);
        Tensor sum = vector(Double.NaN);
        elementwise.sum(parallel, 0.5, y, sum);
        assertThat(sum.item()).isEqualTo(6.5);
        elementwise.addScalar(parallel, 2, sum, y);
        assertThat(y.toDoubles()).containsExactly(16, 23);
    }

    @Test
    void emptyTensorsAreNoWork() {
        Tensor empty = arena.allocate(DType.F32, 0);
        elementwise.add(parallel, empty, empty, empty);
        Tensor sum = vector(Double.NaN);
        elementwise.sum(parallel, 1, empty, sum);
        assertThat(sum.item()).isZero();
    }

    @Test
    void activationsHaveTheirTextbookValues() {
        assertThat(ScalarActivation.value(Activation.RELU, -2)).isZero();
        assertThat(ScalarActivation.value(Activation.RELU, 2)).isEqualTo(2);
        assertThat(ScalarActivation.value(Activation.GELU, 1)).isCloseTo(0.8413447460685429, within(1e-15));
        assertThat(ScalarActivation.value(Activation.GELU, -1)).isCloseTo(-0.15865525393145707, within(1e-15));
        assertThat(ScalarActivation.value(Activation.GELU_TANH, 1)).isCloseTo(0.8411919906082768, within(1e-15));
        assertThat(ScalarActivation.value(Activation.SILU, 1)).isCloseTo(0.7310585786300049, within(1e-15));
        assertThat(ScalarActivation.value(Activation.SILU, -1000)).isZero();
    }

    @ParameterizedTest
    @EnumSource
    void slopesAreThoseOfCentralDifferences(Activation f) {
        Tensor x = tensors.contiguous(50);
        Tensor up = tensors.contiguous(50);
        Tensor dy = tensors.contiguous(50);
        Tensor y = tensors.contiguous(50);
        Tensor dx = tensors.contiguous(50);
        Tensor before = tensors.copy(dx);
        elementwise.activationBackward(parallel, f, x, dy, dx);
        Differences.check("x", x, before, dx, () -> {
            elementwise.activation(parallel, f, x, y);
            return Differences.dot(y, dy);
        });
        Tensor dGate = tensors.contiguous(50);
        Tensor dUp = tensors.contiguous(50);
        Tensor beforeGate = tensors.copy(dGate);
        Tensor beforeUp = tensors.copy(dUp);
        elementwise.gatedBackward(parallel, f, x, up, dy, dGate, null);
        elementwise.gatedBackward(parallel, f, x, up, dy, null, dUp);
        Differences.check("gate", x, beforeGate, dGate, () -> gated(f, x, up, dy, y));
        Differences.check("up", up, beforeUp, dUp, () -> gated(f, x, up, dy, y));
    }

    private double gated(Activation f, Tensor gate, Tensor up, Tensor dy, Tensor y) {
        elementwise.gated(parallel, f, gate, up, y);
        return Differences.dot(y, dy);
    }

    @Test
    void dropoutIsDecidedByTheElementsNumber() {
        Dropout dropout = new Dropout(0.3, 11, 22);
        Tensor x = tensors.contiguous(9000);
        Tensor y = tensors.contiguous(9000);
        elementwise.dropout(parallel, dropout, x, y, false);
        int dropped = 0;
        for (int i = 0; i < 9000; i++) {
            assertThat(y.get(i)).isEqualTo(x.get(i) * dropout.factor(i));
            dropped += y.get(i) == 0 ? 1 : 0;
        }
        assertThat(dropped).isBetween(2500, 2900);
        elementwise.dropout(parallel, dropout, x, y, true);
        assertThat(y.get(4242)).isEqualTo(2 * x.get(4242) * dropout.factor(4242));
        x.fill(Double.NaN);
        elementwise.dropout(parallel, dropout, x, y, false);
        assertThat(java.util.Arrays.stream(y.toDoubles()).filter(v -> v == 0).count()).isEqualTo(dropped);
    }
}
