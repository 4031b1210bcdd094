package dev.longspan.kernel.cuda;

import dev.longspan.kernel.GemmSweep;

@OnTheEmulatedDevice
final class CudaGemmTest extends GemmSweep {

    CudaGemmTest() {
        super(Carried.of(EmulatedDevice.space()).gemm());
    }

    @Override
    protected int[] sizes() {
        return new int[] {0, 1, 5, 16, 33};
    }
}
