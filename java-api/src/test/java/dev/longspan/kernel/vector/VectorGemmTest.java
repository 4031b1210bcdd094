package dev.longspan.kernel.vector;

import dev.longspan.kernel.GemmSweep;

@OnThisCpu
final class VectorGemmTest extends GemmSweep {

    VectorGemmTest() {
        super(VectorKernels.create().gemm());
    }
}
