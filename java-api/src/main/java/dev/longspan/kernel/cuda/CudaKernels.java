package dev.longspan.kernel.cuda;

import dev.longspan.kernel.Kernels;

/**
 * The kernel families of this package: float32, forward kernels, products and attention also over bfloat16.
 *
 * @param families all of them, on the stream of a space
 * @param detail GPU, driver and cuDNN in words
 */
public record CudaKernels(Kernels families, String detail) {

    /** Whose attention runs forward where both could: {@code own}, the default, or {@code cudnn}. */
    public static final String ATTENTION = "longspan.cuda.attention";

    /** Throws UnsupportedOperationException where {@value #ATTENTION} names neither. */
    public static CudaKernels on(CudaSpace space) {
        CudaAttention attention = CudaAttention.chosen(space);
        Kernels families = new Kernels(new CudaGemm(space), attention, new CudaNorm(space), new CudaElementwise(space),
                new CudaRotary(space), new CudaEmbedding(space), new CudaLoss(space), new CudaOptimizer(space), new CudaScan(space),
                new CudaCoefficients(space), new CudaRecurrence(space), new CudaTimestepNorm(space));
        return new CudaKernels(families, space.device().describe() + "; " + attention.describe());
    }
}
