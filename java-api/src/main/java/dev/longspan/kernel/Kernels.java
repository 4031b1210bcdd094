package dev.longspan.kernel;

/** The kernel families of a backend. */
public record Kernels(
        GemmKernel gemm,
        AttentionKernel attention,
        NormKernel norm,
        ElementwiseKernel elementwise,
        EmbeddingKernel embedding,
        LossKernel loss,
        OptimizerKernel optimizer,
        ScanKernel scan,
        TimestepNormKernel timestepNorm) {
}
