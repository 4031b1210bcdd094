package dev.longspan.kernel.vector;

import dev.longspan.kernel.FamilySweep;

@OnThisCpu
final class VectorFamiliesTest extends FamilySweep {

    VectorFamiliesTest() {
        super(VectorKernels.create());
    }

    /** Once where the width is not the CPU's own: the whole suite runs at each. */
    @Override
    protected int seeds() {
        return System.getProperty(VectorWidth.PROPERTY) == null ? 2 : 1;
    }
}
