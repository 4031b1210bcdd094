package dev.longspan.kernel.host;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.kernel.GemmKernel;
import dev.longspan.kernel.GemmSweep;
import dev.longspan.kernel.RandomTensors;
import dev.longspan.kernel.scalar.ScalarKernels;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.Random;
import org.junit.jupiter.api.Test;

@WithTheLibrary
final class HostGemmTest extends GemmSweep {

    HostGemmTest() {
        super(HostKernels.create(ScalarKernels.create()).gemm());
    }

    @Test
    void errsAsChainsOf64TermsDo() {
        checkErrorOfChains(64);
    }

    @Test
    void packedWeightsGiveABfloat16ResultTheBitsItHasWithout() {
        GemmKernel gemm = HostKernels.create(ScalarKernels.create()).gemm();
        Parallel one = Parallel.of(1);
        try (TensorArena arena = new TensorArena()) {
            RandomTensors random = new RandomTensors(arena, new Random(9), DType.F32);
            for (int k : new int[] {40, 2048, 2500}) {
                Tensor a = random.contiguous(7, k);
                Tensor b = random.contiguous(45, k).transpose(0, 1);
                Tensor want = arena.allocate(DType.BF16, 7, 45);
                Tensor got = arena.allocate(DType.BF16, 7, 45);
                gemm.gemm(one, a, b, null, want, false);
                gemm.pack(one, b, arena).gemm(one, a, null, got, false);
                assertThat(got.toFloats()).as("k=%d", k).isEqualTo(want.toFloats());
            }
        }
    }
}
