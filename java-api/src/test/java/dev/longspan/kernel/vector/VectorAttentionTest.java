package dev.longspan.kernel.vector;

import dev.longspan.kernel.AttentionSweep;

@OnThisCpu
final class VectorAttentionTest extends AttentionSweep {

    VectorAttentionTest() {
        super(VectorKernels.create().attention());
    }
}
