package dev.longspan.kernel.cuda;

import dev.longspan.kernel.Kernels;

/** The kernel families of this package: float32, forward kernels, products and attention also over bfloat16. */
public final class CudaKernels {

    private CudaKernels() {
    }

    /** All families, on the stream of a space. */
    public static Kernels create(CudaSpace space) {
        return new Kernels(new CudaGemm(space), new CudaAttention(space), new CudaNorm(space), new CudaElementwise(space),
                new CudaRotary(space), new CudaEmbedding(space), new CudaLoss(space), new CudaOptimizer(space), new CudaScan(space),
                new CudaCoefficients(space), new CudaRecurrence(space), new CudaTimestepNorm(space));
    }
}
