package dev.longspan.kernel.cuda;

import dev.longspan.kernel.FamilySweep;

@OnTheEmulatedDevice
final class CudaFamiliesTest extends FamilySweep {

    CudaFamiliesTest() {
        super(Carried.of(EmulatedDevice.space()));
    }

    @Override
    protected int[] sizes() {
        return new int[] {0, 1, 31, 33, 129, 1000};
    }

    @Override
    protected int seeds() {
        return EmulatedDevice.part(2, 2);
    }
}
