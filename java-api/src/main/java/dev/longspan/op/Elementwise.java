package dev.longspan.op;

import dev.longspan.autograd.Pass;
import dev.longspan.kernel.Activation;
import dev.longspan.kernel.Dropout;
import dev.longspan.kernel.ElementwiseKernel;
import dev.longspan.kernel.GaussianNoise;
import dev.longspan.kernel.Residual;
import dev.longspan.kernel.Rotary;
import dev.longspan.tensor.Tensor;

/** Pointwise ops on contiguous tensors. */
public final class Elementwise {

    private Elementwise() {
    }

    /** {@code a + b}. */
    public static Tensor add(Pass pass, Tensor a, Tensor b) {
        return add(pass, a, 1, b);
    }

    /** {@code alpha·a + b}: with alpha ≠ 1 DeepNorm's residual. */
    public static Tensor add(Pass pass, Tensor a, double alpha, Tensor b) {
        Residual sum = new Residual(a, alpha, b);
        Tensor y = like(pass, sum);
        kernel(pass).add(pass.parallel(), sum, y);
        record(pass, sum, y);
        return y;
    }

    /** An activation for a sum. */
    static Tensor like(Pass pass, Residual sum) {
        check(pass, "a and b", sum.x(), sum.f());
        return pass.allocateLike(sum.x());
    }

    /** Notes that y is the sum. */
    static void record(Pass pass, Residual sum, Tensor y) {
        if (pass.tracks(sum.x(), sum.f())) {
            pass.record(y, () -> {
                addScaled(pass, sum.alpha(), y, sum.x());
                handOn(pass, y, sum.f());
            });
        }
    }

    /** {@code alpha·x}. */
    public static Tensor scale(Pass pass, double alpha, Tensor x) {
        check(pass, "x", x);
        Tensor y = pass.allocateLike(x);
        kernel(pass).axpby(pass.parallel(), alpha, x, 0, y);
        if (pass.tracks(x)) {
            pass.record(y, () -> addScaled(pass, alpha, y, x));
        }
        return y;
    }

    /** {@code a ⊙ b}. */
    public static Tensor multiply(Pass pass, Tensor a, Tensor b) {
        check(pass, "a and b", a, b);
        Tensor y = pass.allocateLike(a);
        kernel(pass).multiply(pass.parallel(), a, b, y, false);
        if (pass.tracks(a, b)) {
            pass.record(y, () -> {
                if (pass.tracks(a)) {
                    kernel(pass).multiply(pass.parallel(), pass.gradient(y), b, pass.gradient(a), true);
                }
                if (pass.tracks(b)) {
                    kernel(pass).multiply(pass.parallel(), pass.gradient(y), a, pass.gradient(b), true);
                }
            });
        }
        return y;
    }

    /** {@code alpha · Σ x}, of shape [1]. */
    public static Tensor sum(Pass pass, double alpha, Tensor x) {
        check(pass, "x", x);
        Tensor y = pass.allocate(x.dtype(), 1);
        kernel(pass).sum(pass.parallel(), alpha, x, y);
        if (pass.tracks(x)) {
            pass.record(y, () -> kernel(pass).addScalar(pass.parallel(), alpha, pass.gradient(y), pass.gradient(x)));
        }
        return y;
    }

    /** {@code f(x)}. */
    public static Tensor activation(Pass pass, Activation f, Tensor x) {
        check(pass, "x", x);
        Tensor y = pass.allocateLike(x);
        kernel(pass).activation(pass.parallel(), f, x, y);
        recordActivation(pass, f, x, y);
        return y;
    }

    /** The way back of {@code y = f(x)}. */
    static void recordActivation(Pass pass, Activation f, Tensor x, Tensor y) {
        if (pass.tracks(x)) {
            pass.record(y, () ->
                    kernel(pass).activationBackward(pass.parallel(), f, x, pass.gradient(y), pass.gradient(x)));
        }
    }

    /** {@code f(gate) ⊙ up}: SwiGLU for SILU. Shazeer, arXiv 2002.05202. */
    public static Tensor gated(Pass pass, Activation f, Tensor gate, Tensor up) {
        check(pass, "gate and up", gate, up);
        Tensor y = pass.allocateLike(gate);
        kernel(pass).gated(pass.parallel(), f, gate, up, y);
        recordGated(pass, f, gate, up, y);
        return y;
    }

    /** The way back of {@code y = f(gate) ⊙ up}. */
    static void recordGated(Pass pass, Activation f, Tensor gate, Tensor up, Tensor y) {
        if (pass.tracks(gate, up)) {
            pass.record(y, () -> kernel(pass).gatedBackward(pass.parallel(), f, gate, up, pass.gradient(y),
                    pass.gradientIfTracked(gate), pass.gradientIfTracked(up)));
        }
    }

    /** Inverted dropout: {@code x / (1 − rate)} or 0 in training, x itself otherwise. Srivastava et al., JMLR 15 (2014). */
    public static Tensor dropout(Pass pass, double rate, Tensor x) {
        Dropout dropout = pass.nextDropout(rate);
        if (dropout == null) {
            return x;
        }
        check(pass, "x", x);
        Tensor y = pass.allocateLike(x);
        kernel(pass).dropout(pass.parallel(), dropout, x, y, false);
        if (pass.tracks(x)) {
            pass.record(y, () -> kernel(pass).dropout(pass.parallel(), dropout, pass.gradient(y), pass.gradient(x), true));
        }
        return y;
    }

    /** {@code x + ε} with ε from {@code N(0, std²)} in training, x itself otherwise. */
    public static Tensor noise(Pass pass, double std, Tensor x) {
        GaussianNoise noise = pass.nextNoise(std);
        if (noise == null) {
            return x;
        }
        check(pass, "x", x);
        Tensor y = pass.allocateLike(x);
        kernel(pass).noise(pass.parallel(), noise, x, y);
        if (pass.tracks(x)) {
            pass.record(y, () -> handOn(pass, y, x));
        }
        return y;
    }

    /** Rotates x: [B, N, H, D], whose row n stands at position {@code first + n}. */
    public static Tensor rotary(Pass pass, Rotary rotary, long first, Tensor x) {
        Shapes.checkComputes(pass, "x", x);
        if (x.rank() != 4 || x.size(3) != rotary.headDim() || x.stride(3) != 1) {
            throw new IllegalArgumentException("x must be [batch, rows, heads, " + rotary.headDim() + "]: x=" + x);
        }
        if (first < 0) {
            throw new IllegalArgumentException("first position must not be negative: first=" + first);
        }
        Tensor y = pass.allocateLike(x);
        pass.kernels().rotary().forward(pass.parallel(), rotary, first, x, y);
        if (pass.tracks(x)) {
            pass.record(y, () ->
                    pass.kernels().rotary().backward(pass.parallel(), rotary, first, pass.gradient(y), pass.gradient(x)));
        }
        return y;
    }

    private static void addScaled(Pass pass, double alpha, Tensor from, Tensor to) {
        if (pass.tracks(to)) {
            pass.addToGradient(to, alpha, pass.gradient(from));
        }
    }

    /** The last use of a gradient: that of another tensor begins with it, or it is added there. */
    private static void handOn(Pass pass, Tensor from, Tensor to) {
        if (!pass.handOn(from, to)) {
            addScaled(pass, 1, from, to);
        }
    }

    private static void check(Pass pass, String names, Tensor... tensors) {
        Shapes.checkComputes(pass, names, tensors);
        for (Tensor t : tensors) {
            Shapes.checkContiguous(names, t);
            Shapes.checkSame(names, tensors[0], t);
        }
    }

    private static ElementwiseKernel kernel(Pass pass) {
        return pass.kernels().elementwise();
    }
}
