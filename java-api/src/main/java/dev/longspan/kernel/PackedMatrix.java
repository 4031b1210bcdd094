package dev.longspan.kernel;

import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A right operand b: [k, n] that the kernel which made it ({@link GemmKernel#pack}) has packed once: products have the
 * bits of those with b itself, and take no time to pack it. Usable from any thread while b and the panels' arena live and
 * b stays as it is.
 */
public interface PackedMatrix {

    /** As {@link GemmKernel#gemm(Parallel, Tensor, Tensor, Tensor, Tensor, boolean)}. */
    void gemm(Parallel parallel, Tensor a, @Nullable Tensor bias, Tensor c, boolean accumulate);

    /** As {@link GemmKernel#gemm(Parallel, Tensor, Tensor, Tensor, Epilogue, Tensor, ElementwiseKernel)}, fused. */
    void gemm(Parallel parallel, Tensor a, @Nullable Tensor bias, Epilogue epilogue, Tensor c);
}
