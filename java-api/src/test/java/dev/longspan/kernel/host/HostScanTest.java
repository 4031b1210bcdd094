package dev.longspan.kernel.host;

import dev.longspan.kernel.ScanSweep;
import dev.longspan.kernel.scalar.ScalarKernels;

@WithTheLibrary
final class HostScanTest extends ScanSweep {

    HostScanTest() {
        super(HostKernels.create(ScalarKernels.create()));
    }
}
