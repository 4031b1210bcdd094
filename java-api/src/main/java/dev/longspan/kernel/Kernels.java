package dev.longspan.kernel;

/** The kernel families of a backend. */
public record Kernels(
        GemmKernel gemm,
        AttentionKernel attention,
        NormKernel norm,
        ElementwiseKernel elementwise,
        RotaryKernel rotary,
        EmbeddingKernel embedding,
        LossKernel loss,
        OptimizerKernel optimizer,
        ScanKernel scan,
        CoefficientsKernel coefficients,
        RecurrenceKernel recurrence,
        TimestepNormKernel timestepNorm) {
}
