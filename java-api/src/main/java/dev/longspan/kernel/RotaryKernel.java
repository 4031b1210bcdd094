package dev.longspan.kernel;

import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;

/** Rotary positions. */
public interface RotaryKernel {

    /** Rotates rows {@code n} of x: [B, N, H, D] to position {@code first + n}; y may have other strides than x. */
    void forward(Parallel parallel, Rotary rotary, long first, Tensor x, Tensor y);

    /** {@code dx += Rᵀ dy}. */
    void backward(Parallel parallel, Rotary rotary, long first, Tensor dy, Tensor dx);
}
