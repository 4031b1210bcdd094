package dev.longspan.op;

import dev.longspan.autograd.Pass;
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
        Tensor y = pass.allocate(x.dtype(), Shapes.withLast(x, weight.size(0)));
        Tensor rows = Shapes.rows(x);
        pass.kernels().gemm().gemm(pass.parallel(), rows, weight.transpose(0, 1), bias, y.reshape(rows.size(0), weight.size(0)), false);
        if (pass.tracks(x, weight, bias)) {
            pass.record(y, () -> {
                Tensor dy = pass.gradient(y).reshape(rows.size(0), weight.size(0));
                if (pass.tracks(x)) {
                    pass.kernels().gemm().gemm(pass.parallel(), dy, weight, null, Shapes.rows(pass.gradient(x)), true);
                }
                if (pass.tracks(weight)) {
                    pass.kernels().gemm().gemm(pass.parallel(), dy.transpose(0, 1), rows, null, pass.gradient(weight), true);
                }
                if (bias != null && pass.tracks(bias)) {
                    pass.kernels().gemm().addColumnSums(pass.parallel(), dy, pass.gradient(bias));
                }
            });
        }
        return y;
    }
}
