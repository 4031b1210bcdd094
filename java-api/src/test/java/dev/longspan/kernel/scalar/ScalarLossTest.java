package dev.longspan.kernel.scalar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.longspan.kernel.RandomTensors;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ScalarLossTest {

    private final TensorArena arena = new TensorArena();
    private final ScalarLoss loss = new ScalarLoss();
    private final Parallel parallel = Parallel.of(2);

    @AfterEach
    void close() {
        arena.close();
    }

    @Test
    void evenOddsCostTheLogarithmOfTheClassesAndIgnoredTargetsNothing() {
        Tensor logits = arena.allocate(DType.F32, 3, 4).set(1000, 1000, 1000, 1000, 0, Math.log(5), 0, 0, 0, 0, 0, 0);
        Tensor targets = arena.allocate(DType.I32, 3).set(2, 1, -1);
        Tensor losses = arena.allocate(DType.F32, 3).fill(Double.NaN);
        Tensor lse = arena.allocate(DType.F32, 3);
        loss.crossEntropy(parallel, logits, targets, losses, lse);
        assertThat(losses.toDoubles()).containsExactly(new double[]{Math.log(4), Math.log(8.0 / 5), 0}, within(1e-4));
        Tensor dLogits = arena.allocate(DType.F32, 3, 4).fill(1);
        loss.crossEntropyBackward(parallel, logits, targets, lse, arena.allocate(DType.F32, 3).fill(2), dLogits);
        assertThat(dLogits.slice(0, 1, 3).toDoubles())
                .containsExactly(new double[]{1.25, 0.25, 1.25, 1.25, 1, 1, 1, 1}, within(1e-6));
    }

    @Test
    void gradientsAreThoseOfCentralDifferences() {
        RandomTensors tensors = new RandomTensors(arena, new Random(3), DType.F64);
        Tensor logits = tensors.gapped(6, 11);
        Tensor targets = arena.allocate(DType.I64, 6).set(0, 10, 4, -1, 4, 7);
        Tensor losses = tensors.contiguous(6);
        Tensor lse = tensors.contiguous(6);
        Tensor dLosses = tensors.contiguous(6);
        Tensor dLogits = tensors.gapped(6, 11);
        Tensor before = tensors.copy(dLogits);
        loss.crossEntropy(parallel, logits, targets, losses, lse);
        loss.crossEntropyBackward(parallel, logits, targets, lse, dLosses, dLogits);
        Differences.check("logits", logits, before, dLogits, () -> {
            loss.crossEntropy(parallel, logits, targets, losses, lse);
            return Differences.dot(losses, dLosses);
        });
    }
}
