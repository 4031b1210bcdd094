package dev.longspan.kernel.cuda;

import dev.longspan.kernel.AttentionSweep;

@OnTheEmulatedDevice
final class CudaAttentionTest extends AttentionSweep {

    CudaAttentionTest() {
        super(Carried.of(EmulatedDevice.space()).attention());
    }

    @Override
    protected int cases(int all) {
        return EmulatedDevice.some(all, 20);
    }

    @Override
    protected boolean queriesKeepTheirBits() {
        return false;
    }

    @Override
    protected int rows(int all) {
        return 30 + all / 20;
    }
}
