package dev.longspan.op;

import dev.longspan.autograd.Pass;
import dev.longspan.kernel.Activation;
import dev.longspan.kernel.Epilogue;
import dev.longspan.kernel.PackedMatrix;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Matrix products. */
public final class Gemm {

    private Gemm() {
    }

    /**
     * {@code y = x Wᵀ + b}; x: [..., in] contiguous, weight: [out, in], bias: [out], y: [..., out]. A weight that is not trained
     * may be BF16 beside x in F32: half the bytes to read, which is what decoding waits for. The scalar backend refuses it.
     */
    public static Tensor linear(Pass pass, Tensor x, Tensor weight, @Nullable Tensor bias) {
        Tensor rows = check(pass, x, weight, bias);
        Tensor y = pass.allocate(x.dtype(), Shapes.withLast(x, weight.size(0)));
        PackedMatrix packed = pass.packed(weight, rows.size(0));
        if (packed != null) {
            packed.gemm(pass.parallel(), rows, bias, y.rows(), false);
        } else {
            pass.kernels().gemm().gemm(pass.parallel(), rows, weight.transpose(0, 1), bias, y.rows(), false);
        }
        record(pass, rows, x, weight, bias, y);
        return y;
    }

    /** {@code y = f(x Wᵀ + b)}, as {@link #linear}; what f is of has memory only where a way back needs it. */
    public static Tensor activated(Pass pass, Activation f, Tensor x, Tensor weight, @Nullable Tensor bias) {
        return ended(pass, f, x, weight, bias, null);
    }

    /** {@code y = f(x Wᵀ + b) ⊙ up}, as {@link #activated}; up: [..., out]. SwiGLU for SILU (Shazeer, 2002.05202). */
    public static Tensor gated(Pass pass, Activation f, Tensor x, Tensor weight, @Nullable Tensor bias, Tensor up) {
        return ended(pass, f, x, weight, bias, up);
    }

    private static Tensor ended(Pass pass, Activation f, Tensor x, Tensor weight, @Nullable Tensor bias,
            @Nullable Tensor up) {
        Tensor rows = check(pass, x, weight, bias);
        long[] shape = Shapes.withLast(x, weight.size(0));
        if (up != null) {
            Shapes.checkComputes(pass, "x and up", x, up);
            Shapes.checkContiguous("up", up);
            Shapes.checkShape("up", up, shape);
        }
        Tensor before = pass.tracks(x, weight, bias, up) ? pass.allocate(x.dtype(), shape) : null;
        Tensor y = pass.allocate(x.dtype(), shape);
        Epilogue epilogue = new Epilogue(f, up == null ? null : up.rows(),
                before == null ? null : before.rows());
        PackedMatrix packed = pass.packed(weight, rows.size(0));
        if (packed != null) {
            packed.gemm(pass.parallel(), rows, bias, epilogue, y.rows());
        } else {
            pass.kernels().gemm().gemm(pass.parallel(), rows, weight.transpose(0, 1), bias, epilogue, y.rows(),
                    pass.kernels().elementwise());
        }
        if (before != null) {
            record(pass, rows, x, weight, bias, before);
            if (up == null) {
                Elementwise.recordActivation(pass, f, before, y);
            } else {
                Elementwise.recordGated(pass, f, before, up, y);
            }
        }
        return y;
    }

    /** x as [rows, in]. */
    private static Tensor check(Pass pass, Tensor x, Tensor weight, @Nullable Tensor bias) {
        boolean half = weight.dtype() == DType.BF16 && x.dtype() == DType.F32 && !pass.tracks(weight);
        Shapes.checkComputes(pass, "x and weight", half ? new Tensor[] {x} : new Tensor[] {x, weight});
        Shapes.checkContiguous("x", x);
        if (weight.rank() != 2 || x.rank() < 1 || x.size(-1) != weight.size(1)) {
            throw new IllegalArgumentException("weight must be [out, in] with in the last dimension of x: weight="
                    + weight + ", x=" + x);
        }
        if (bias != null) {
            Shapes.checkShape("bias", bias, weight.size(0));
        }
        return x.rows();
    }

    /** The way back of {@code y = x Wᵀ + b}. */
    private static void record(Pass pass, Tensor rows, Tensor x, Tensor weight, @Nullable Tensor bias, Tensor y) {
        if (pass.tracks(x, weight, bias)) {
            pass.record(y, () -> {
                Tensor dy = pass.gradient(y).rows();
                if (pass.tracks(x)) {
                    pass.kernels().gemm().gemm(pass.parallel(), dy, weight, null, pass.gradient(x).rows(), true);
                }
                if (pass.tracks(weight)) {
                    pass.kernels().gemm().gemm(pass.parallel(), dy.transpose(0, 1), rows, null, pass.gradient(weight), true);
                }
                if (bias != null && pass.tracks(bias)) {
                    pass.kernels().gemm().addColumnSums(pass.parallel(), dy, pass.gradient(bias));
                }
            });
        }
    }
}
