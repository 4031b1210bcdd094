package dev.longspan.kernel.vector;

import dev.longspan.kernel.ScanSweep;

@OnThisCpu
final class VectorScanTest extends ScanSweep {

    VectorScanTest() {
        super(VectorKernels.create());
    }
}
