package dev.longspan.kernel.host;

import dev.longspan.kernel.GemmSweep;
import dev.longspan.kernel.scalar.ScalarKernels;

@WithTheLibrary
final class HostGemmTest extends GemmSweep {

    HostGemmTest() {
        super(HostKernels.create(ScalarKernels.create()).gemm());
    }
}
