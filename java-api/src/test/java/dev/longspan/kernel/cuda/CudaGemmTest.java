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

    @Override
    protected int most(int all) {
        return EmulatedDevice.part(all, 4);
    }

    /** A product of floats is the sum of three products of numbers with 11 bits: what is left out is below 2⁻²² of it. */
    @Override
    protected double roundings() {
        return 6;
    }

    /** Few rows have a kernel of their own. */
    @Override
    protected boolean rowsKeepTheirBits() {
        return false;
    }
}
