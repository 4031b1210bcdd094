package dev.longspan.kernel.vector;

import dev.longspan.kernel.FamilySweep;

@OnThisCpu
final class VectorFamiliesTest extends FamilySweep {

    VectorFamiliesTest() {
        super(VectorKernels.create());
    }
}
