package dev.longspan.kernel.vector;

import dev.longspan.kernel.AttentionSweep;
import dev.longspan.tensor.DType;

/** Operands stored as bfloat16, sums in float32. */
@OnThisCpu
final class VectorHalfAttentionTest extends AttentionSweep {

    VectorHalfAttentionTest() {
        super(VectorKernels.create().attention());
    }

    @Override
    protected DType storage() {
        return DType.BF16;
    }

    /**
     * Rounding to the nearest moves the output by at most 2^-8 of it for each of up to four branches, of which δ takes its share,
     * and a gradient is what differences with δ leave.
     */
    @Override
    protected double rounding() {
        return 8 * 0x1p-8;
    }

    @Override
    protected int cases(int all) {
        return (all + 7) / 8;
    }
}
