package dev.longspan.longnet;

import dev.longspan.backend.Backend;
import dev.longspan.kernel.GemmKernel;
import dev.longspan.kernel.Kernels;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Scalar matrix products that count their multiplications and additions. */
public final class CountingGemm implements GemmKernel {

    private final Backend scalar = Backend.named("scalar");
    private double flops;

    /** The scalar backend with these products. */
    public Backend backend() {
        Kernels k = scalar.kernels();
        return new Backend("counting", "scalar", scalar.space(), scalar.dtypes(), new Kernels(this, k.attention(), k.norm(),
                k.elementwise(), k.rotary(), k.embedding(), k.loss(), k.optimizer(), k.scan(),
                k.coefficients(), k.recurrence(), k.timestepNorm()), null);
    }

    public double flops() {
        return flops;
    }

    @Override
    public void gemm(Parallel parallel, Tensor a, Tensor b, @Nullable Tensor bias, Tensor c, boolean accumulate) {
        flops += 2.0 * a.size(0) * a.size(1) * b.size(1);
        scalar.kernels().gemm().gemm(parallel, a, b, bias, c, accumulate);
    }

    @Override
    public void addColumnSums(Parallel parallel, Tensor x, Tensor sums) {
        scalar.kernels().gemm().addColumnSums(parallel, x, sums);
    }
}
