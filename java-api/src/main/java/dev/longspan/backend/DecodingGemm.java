package dev.longspan.backend;

import dev.longspan.kernel.GemmKernel;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Products of few rows, as in decoding, by one kernel, all others by another; both give the same bits. */
record DecodingGemm(GemmKernel decoding, GemmKernel others) implements GemmKernel {

    private static final long FEW_ROWS = 4;

    @Override
    public void gemm(Parallel parallel, Tensor a, Tensor b, @Nullable Tensor bias, Tensor c, boolean accumulate) {
        boolean decodes = a.size(0) <= FEW_ROWS && c.dtype() == DType.F32;
        (decodes ? decoding : others).gemm(parallel, a, b, bias, c, accumulate);
    }

    @Override
    public void addColumnSums(Parallel parallel, Tensor x, Tensor sums) {
        others.addColumnSums(parallel, x, sums);
    }
}
