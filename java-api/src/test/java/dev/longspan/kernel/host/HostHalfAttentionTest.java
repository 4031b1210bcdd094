package dev.longspan.kernel.host;

import dev.longspan.kernel.AttentionSweep;
import dev.longspan.kernel.scalar.ScalarKernels;
import dev.longspan.tensor.DType;

/** Operands stored as bfloat16, and on CPUs that multiply such, weights and their gradients rounded to it. */
@WithTheLibrary
final class HostHalfAttentionTest extends AttentionSweep {

    HostHalfAttentionTest() {
        super(HostKernels.create(ScalarKernels.create()).attention());
    }

    @Override
    protected DType storage() {
        return DType.BF16;
    }

    /**
     * Rounding to the nearest moves a number by at most 2^-8 of it: each weight, each gradient of a score, and the output once
     * for each of up to four branches, of which δ again takes its share.
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
