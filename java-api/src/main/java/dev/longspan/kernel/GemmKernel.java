package dev.longspan.kernel;

import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import org.jspecify.annotations.Nullable;

/** Matrix products. */
public interface GemmKernel {

    /**
     * {@code c = a·b + bias}, or {@code c += a·b} when accumulating. a: [m, k], b: [k, n], bias: [n], c: [m, n] with
     * column stride 1; a and b may be transposed views (stride 1 in either dimension). A row's bits may change with m.
     */
    void gemm(Parallel parallel, Tensor a, Tensor b, @Nullable Tensor bias, Tensor c, boolean accumulate);

    /**
     * {@code c = f(a·b + bias)}, or that ⊙ up; c, up and before are contiguous. The bits are those of {@link #gemm}, then
     * of {@link ElementwiseKernel#activation} or {@link ElementwiseKernel#gated} of the same backend. Not fused (scalar,
     * cuda) it is these two calls, of {@code pointwise}. Fused (vector, host) each row of the product is read while a cache
     * has it, and {@code pointwise} is ignored: in a mix of backends f is the product's.
     */
    default void gemm(Parallel parallel, Tensor a, Tensor b, @Nullable Tensor bias, Epilogue epilogue, Tensor c,
            ElementwiseKernel pointwise) {
        Tensor x = epilogue.product(c);
        gemm(parallel, a, b, bias, x, false);
        if (epilogue.up() == null) {
            pointwise.activation(parallel, epilogue.f(), x, c);
        } else {
            pointwise.gated(parallel, epilogue.f(), x, epilogue.up(), c);
        }
    }

    /** Whether {@link #pack} does. */
    default boolean packs() {
        return false;
    }

    /**
     * Packs b: [k, n], F32 or BF16, once: float32 panels in the arena, {@code 4 · k · n} bytes with n rounded up to a
     * panel's columns. Throws UnsupportedOperationException where the kernel reads b as it lies (scalar, cuda).
     */
    default PackedMatrix pack(Parallel parallel, Tensor b, TensorArena arena) {
        throw new UnsupportedOperationException("these products read weights as they lie: "
                + getClass().getSimpleName());
    }

    /** {@code sums[j] += Σᵢ x[i, j]}: the gradient of a bias. x: [rows, n], sums: [n]. */
    void addColumnSums(Parallel parallel, Tensor x, Tensor sums);
}
