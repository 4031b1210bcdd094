package dev.longspan.kernel.cuda;

import dev.longspan.kernel.ScanSweep;

@OnTheEmulatedDevice
final class CudaScanTest extends ScanSweep {

    CudaScanTest() {
        super(Carried.of(EmulatedDevice.space()));
    }

    @Override
    protected int cases(int all) {
        return EmulatedDevice.some(all, 20);
    }

    @Override
    protected int tokens(int all) {
        return EmulatedDevice.part(all, 16);
    }
}
