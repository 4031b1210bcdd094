package dev.longspan.kernel.vector;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.kernel.GemmSweep;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.Random;
import org.junit.jupiter.api.Test;

@OnThisCpu
final class VectorGemmTest extends GemmSweep {

    VectorGemmTest() {
        super(VectorKernels.create().gemm());
    }

    @Test
    void bfloat16WeightsGiveTheBitsOfTheirFloats() {
        Random random = new Random(6);
        VectorGemm gemm = new VectorGemm();
        try (TensorArena arena = new TensorArena()) {
            for (int trial = 0; trial < 60; trial++) {
                int m = 1 + random.nextInt(trial % 3 == 0 ? 40 : 4);
                int n = 1 + random.nextInt(trial % 4 == 0 ? 2500 : 300);
                int k = 1 + random.nextInt(trial % 5 == 0 ? 3000 : 100);
                boolean byRow = random.nextBoolean();
                Tensor half = arena.allocate(DType.BF16, byRow ? n : k, byRow ? k : n);
                float[] values = new float[n * k];
                for (int i = 0; i < values.length; i++) {
                    values[i] = (float) random.nextGaussian();
                }
                half.set(values);
                Tensor whole = arena.allocate(DType.F32, half.shape()).copyFrom(half);
                Tensor a = arena.allocate(DType.F32, m, k).fill(0.7);
                a.select(0, m - 1).fill(-0.3);
                Tensor got = arena.allocate(DType.F32, m, n);
                Tensor want = arena.allocate(DType.F32, m, n);
                gemm.gemm(Parallel.of(2), a, byRow ? half.transpose(0, 1) : half, null, got, false);
                gemm.gemm(Parallel.of(1), a, byRow ? whole.transpose(0, 1) : whole, null, want, false);
                assertThat(got.toFloats()).as("m=%d, n=%d, k=%d, byRow=%b", m, n, k, byRow).isEqualTo(want.toFloats());
            }
        }
    }

    @Test
    void errsAsChainsOf64TermsDo() {
        checkErrorOfChains(64);
    }
}
