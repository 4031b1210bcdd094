package dev.longspan.kernel.cuda;

import dev.longspan.kernel.TimestepNormSweep;

@OnTheEmulatedDevice
final class CudaTimestepNormTest extends TimestepNormSweep {

    CudaTimestepNormTest() {
        super(Carried.of(EmulatedDevice.space()).timestepNorm());
    }

    @Override
    protected int cases(int all) {
        return EmulatedDevice.some(all, 10);
    }

    @Override
    protected int rows(int all) {
        return EmulatedDevice.part(all, 5);
    }
}
