package dev.longspan.kernel;

import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Elements;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Pointwise work. Tensors are contiguous and of one shape unless said otherwise. */
public interface ElementwiseKernel {

    /** {@code y = value}. */
    void fill(Parallel parallel, Tensor y, double value);

    /** {@code y = alpha·x + beta·y}; beta = 0 ignores what y holds. */
    void axpby(Parallel parallel, double alpha, Tensor x, double beta, Tensor y);

    /** {@code y = a + b}. */
    void add(Parallel parallel, Tensor a, Tensor b, Tensor y);

    /** {@code y = alpha·x + f}. */
    default void add(Parallel parallel, Residual sum, Tensor y) {
        if (sum.alpha() == 1) {
            add(parallel, sum.x(), sum.f(), y);
        } else {
            axpby(parallel, 1, sum.f(), 0, y);
            axpby(parallel, sum.alpha(), sum.x(), 1, y);
        }
    }

    /** {@code y = a ⊙ b}, or {@code y += a ⊙ b}. */
    void multiply(Parallel parallel, Tensor a, Tensor b, Tensor y, boolean accumulate);

    /** {@code y[0] = alpha · Σ x}, summed in double in a fixed order. */
    void sum(Parallel parallel, double alpha, Tensor x, Tensor y);

    /** {@code y[i] += alpha · scalar[0]}: the way back of {@link #sum}. */
    void addScalar(Parallel parallel, double alpha, Tensor scalar, Tensor y);

    /** {@code y = f(x)}; y may be x. */
    void activation(Parallel parallel, Activation f, Tensor x, Tensor y);

    /** {@code dx += f'(x) ⊙ dy}. */
    void activationBackward(Parallel parallel, Activation f, Tensor x, Tensor dy, Tensor dx);

    /** {@code y = f(gate) ⊙ up}: SwiGLU for SILU. Shazeer, arXiv 2002.05202. y may be gate. */
    void gated(Parallel parallel, Activation f, Tensor gate, Tensor up, Tensor y);

    /** {@code dGate += dy ⊙ up ⊙ f'(gate)}, {@code dUp += dy ⊙ f(gate)}. */
    void gatedBackward(Parallel parallel, Activation f, Tensor gate, Tensor up, Tensor dy, @Nullable Tensor dGate,
            @Nullable Tensor dUp);

    /** {@code y = x ⊙ keep / (1 − rate)}, or {@code y +=} that: forward and backward are the same map. */
    void dropout(Parallel parallel, Dropout dropout, Tensor x, Tensor y, boolean accumulate);

    /** {@code y = x + ε} with ε of the noise. Not each CPU's own: a normal number costs far more than storing it. */
    default void noise(Parallel parallel, GaussianNoise noise, Tensor x, Tensor y) {
        parallel.forRanges(x.elements(), 2048, (from, to, scratch) -> {
            for (long i = from; i < to; i++) {
                Elements.set(y.segment(), y.dtype(), y.offset() + i,
                        Elements.get(x.segment(), x.dtype(), x.offset() + i) + noise.at(i));
            }
        });
    }
}
