package dev.longspan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.backend.Backend;
import dev.longspan.kernel.GemmKernel;
import dev.longspan.kernel.Kernels;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class SelfTestTest {

    @Test
    void everyBackendThatRunsPasses() {
        for (Backend backend : Backend.all()) {
            if (backend.available() != null) {
                assertThat(SelfTest.failure(backend, Parallel.all())).as(backend.name()).isEmpty();
            }
        }
    }

    @Test
    void aKernelThatWritesNothingIsFound() {
        assertThat(SelfTest.failure(withGemm(new Idle()), Parallel.all())).hasValueSatisfying(reason ->
                assertThat(reason).contains("NaN"));
    }

    @Test
    void aKernelThatThrowsIsFound() {
        GemmKernel broken = new Idle() {
            @Override
            public void gemm(Parallel parallel, Tensor a, Tensor b, @Nullable Tensor bias, Tensor c, boolean accumulate) {
                throw new IllegalStateException("no such instruction");
            }
        };
        assertThat(SelfTest.failure(withGemm(broken), Parallel.all())).hasValueSatisfying(reason ->
                assertThat(reason).contains("no such instruction"));
    }

    private static Backend withGemm(GemmKernel gemm) {
        Backend scalar = Backend.named("scalar");
        Kernels k = scalar.kernels();
        return new Backend("planted", "", scalar.space(), scalar.dtypes(), new Kernels(gemm, k.attention(), k.norm(),
                k.elementwise(), k.rotary(), k.embedding(), k.loss(), k.optimizer(), k.scan(),
                k.coefficients(), k.recurrence(), k.timestepNorm()), null);
    }

    private static class Idle implements GemmKernel {
        @Override
        public void gemm(Parallel parallel, Tensor a, Tensor b, @Nullable Tensor bias, Tensor c, boolean accumulate) {
        }

        @Override
        public void addColumnSums(Parallel parallel, Tensor x, Tensor sums) {
        }
    }
}
