package dev.longspan.kernel.host;

import dev.longspan.kernel.TimestepNormSweep;
import dev.longspan.kernel.scalar.ScalarKernels;

@WithTheLibrary
final class HostTimestepNormTest extends TimestepNormSweep {

    HostTimestepNormTest() {
        super(HostKernels.create(ScalarKernels.create()).timestepNorm());
    }
}
