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

class ScalarGemmTest {

    private final TensorArena arena = new TensorArena();
    private final ScalarGemm gemm = new ScalarGemm();

    @AfterEach
    void close() {
        arena.close();
    }

    @Test
    void twoByTwoByHand() {
        Tensor a = arena.allocate(DType.F32, 2, 3).set(1, 2, 3, 4, 5, 6);
        Tensor b = arena.allocate(DType.F32, 3, 2).set(1, 0, 0, 1, 2, 3);
        Tensor bias = arena.allocate(DType.F32, 2).set(10, 20);
        Tensor c = arena.allocate(DType.F32, 2, 2).fill(Double.NaN);
        gemm.gemm(Parallel.of(1), a, b, bias, c, false);
        assertThat(c.toDoubles()).containsExactly(17, 31, 26, 43);
        gemm.gemm(Parallel.of(1), a, b, null, c, true);
        assertThat(c.toDoubles()).containsExactly(24, 42, 42, 66);
    }

    @Test
    void anyStridesAndSizesGiveTheSumOverK() {
        for (int seed = 0; seed < 80; seed++) {
            Random random = new Random(seed);
            DType dtype = random.nextBoolean() ? DType.F32 : DType.F64;
            RandomTensors tensors = new RandomTensors(arena, random, dtype);
            int m = random.nextInt(40);
            int n = seed % 10 == 0 ? 250 + random.nextInt(20) : random.nextInt(40);
            int k = random.nextInt(20);
            Tensor a = random.nextBoolean() ? tensors.transposed(m, k) : tensors.gapped(m, k);
            Tensor b = random.nextBoolean() ? tensors.transposed(k, n) : tensors.gapped(k, n);
            boolean accumulate = random.nextBoolean();
            Tensor bias = accumulate || random.nextBoolean() ? null : tensors.contiguous(n);
            Tensor c = tensors.gapped(m, n);
            Tensor before = tensors.copy(c);
            if (!accumulate) {
                c.fill(Double.NaN);
            }
            gemm.gemm(Parallel.of(2), a, b, bias, c, accumulate);
            for (int i = 0; i < m; i++) {
                for (int j = 0; j < n; j++) {
                    assertThat(c.get(i, j)).as("seed=%d m=%d n=%d k=%d i=%d j=%d", seed, m, n, k, i, j)
                            .isCloseTo(expected(a, b, bias, accumulate ? before : null, i, j), within(dtype == DType.F32 ? 2e-6 : 1e-13));
                }
            }
        }
    }

    private static double expected(Tensor a, Tensor b, @Nullable Tensor bias, @Nullable Tensor before, int i, int j) {
        double sum = (bias == null ? 0 : bias.get(j)) + (before == null ? 0 : before.get(i, j));
        for (int k = 0; k < a.size(1); k++) {
            sum += a.get(i, k) * b.get(k, j);
        }
        return sum;
    }

    @Test
    void columnSumsAreAdded() {
        RandomTensors tensors = new RandomTensors(arena, new Random(1), DType.F64);
        Tensor x = tensors.gapped(37, 300);
        Tensor sums = tensors.contiguous(300);
        double[] expected = sums.toDoubles();
        for (int j = 0; j < 300; j++) {
            for (int i = 0; i < 37; i++) {
                expected[j] += x.get(i, j);
            }
        }
        gemm.addColumnSums(Parallel.of(2), x, sums);
        assertThat(sums.toDoubles()).containsExactly(expected, within(1e-13));
    }

    @Test
    void threadsDoNotChangeABit() {
        RandomTensors tensors = new RandomTensors(arena, new Random(2), DType.F32);
        Tensor a = tensors.contiguous(70, 33);
        Tensor b = tensors.transposed(33, 300);
        Tensor one = tensors.contiguous(70, 300);
        Tensor three = tensors.contiguous(70, 300);
        gemm.gemm(Parallel.of(1), a, b, null, one, false);
        gemm.gemm(Parallel.of(3), a, b, null, three, false);
        assertThat(three.toFloats()).isEqualTo(one.toFloats());
    }
}
