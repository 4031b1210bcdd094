package dev.longspan.kernel.vector;

import dev.longspan.kernel.TimestepNormSweep;

@OnThisCpu
final class VectorTimestepNormTest extends TimestepNormSweep {

    VectorTimestepNormTest() {
        super(VectorKernels.create().timestepNorm());
    }
}
