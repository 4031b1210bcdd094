package dev.longspan.kernel;

import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Matrix products. */
public interface GemmKernel {

    /**
     * {@code c = a·b + bias}, or {@code c += a·b} when accumulating. a: [m, k], b: [k, n], bias: [n], c: [m, n] with
     * column stride 1; a and b may be transposed views (stride 1 in either dimension). A row's bits may change with m.
     */
    void gemm(Parallel parallel, Tensor a, Tensor b, @Nullable Tensor bias, Tensor c, boolean accumulate);

    /** {@code sums[j] += Σᵢ x[i, j]}: the gradient of a bias. x: [rows, n], sums: [n]. */
    void addColumnSums(Parallel parallel, Tensor x, Tensor sums);
}
