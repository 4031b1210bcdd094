package dev.longspan.kernel.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.longspan.kernel.RandomTensors;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

@WithTheLibrary
final class Int8WeightsTest {

    private static final Parallel ONE = Parallel.of(1);
    private static final Parallel TWO = Parallel.of(2);

    private final TensorArena arena = new TensorArena();

    @AfterEach
    void free() {
        arena.close();
    }

    @Test
    void staysWithinTheRoundingOfItsBytes() {
        for (int seed = 0; seed < 40; seed++) {
            Random random = new Random(seed);
            RandomTensors tensors = new RandomTensors(arena, random, DType.F32);
            int out = 1 + random.nextInt(200);
            int in = 1 + random.nextInt(600);
            Tensor weight = random.nextBoolean() ? tensors.contiguous(out, in) : tensors.gapped(out, in);
            Tensor x = tensors.contiguous(in);
            Tensor bias = tensors.contiguous(out);
            Tensor y = arena.allocate(DType.F32, out);
            Int8Weights.of(TWO, arena, weight).apply(TWO, x, bias, y);
            double[] w = weight.toDoubles();
            double[] inputs = x.toDoubles();
            for (int row = 0; row < out; row++) {
                double sum = bias.get(row);
                double largest = 0;
                for (int k = 0; k < in; k++) {
                    sum += w[row * in + k] * inputs[k];
                    largest = Math.max(largest, Math.abs(w[row * in + k]));
                }
                // Each factor is off by up to half a 127th of the largest of its row.
                double bound = 0;
                double most = x.elements() == 0 ? 0 : java.util.Arrays.stream(inputs).map(Math::abs).max().orElse(0);
                for (int k = 0; k < in; k++) {
                    bound += (Math.abs(inputs[k]) * largest + Math.abs(w[row * in + k]) * most + largest * most / 254) / 254;
                }
                assertThat(Math.abs(y.get(row) - sum)).as("seed=%d, row=%d, out=%d, in=%d", seed, row, out, in)
                        .isLessThanOrEqualTo(bound + 1e-5);
            }
        }
    }

    @Test
    void hasTheSameBitsForAnyThreadsAndBfloat16OfTheSameNumbers() {
        RandomTensors tensors = new RandomTensors(arena, new Random(1), DType.BF16);
        Tensor half = tensors.contiguous(300, 129);
        Tensor weight = arena.allocate(DType.F32, half.shape()).set(half.toDoubles());
        Tensor x = new RandomTensors(arena, new Random(2), DType.F32).contiguous(129);
        float[] expected = apply(ONE, weight, x);
        assertThat(apply(TWO, weight, x)).isEqualTo(expected);
        assertThat(apply(TWO, half, x)).isEqualTo(expected);
    }

    @Test
    void refusesShapesThatDoNotFit() {
        RandomTensors tensors = new RandomTensors(arena, new Random(3), DType.F32);
        Int8Weights weights = Int8Weights.of(ONE, arena, tensors.contiguous(3, 5));
        assertThatIllegalArgumentException().isThrownBy(() -> weights.apply(ONE, tensors.contiguous(4), null,
                tensors.contiguous(3))).withMessageContaining("shapes must fit");
        assertThatIllegalArgumentException().isThrownBy(() -> Int8Weights.of(ONE, arena, tensors.transposed(3, 5)))
                .withMessageContaining("rows of neighbours");
    }

    private float[] apply(Parallel parallel, Tensor weight, Tensor x) {
        Tensor y = arena.allocate(DType.F32, weight.size(0));
        Int8Weights.of(parallel, arena, weight).apply(parallel, x, null, y);
        return y.toFloats();
    }
}
