package dev.longspan.kernel.host;

import dev.longspan.kernel.AttentionSweep;
import dev.longspan.kernel.scalar.ScalarKernels;

@WithTheLibrary
final class HostAttentionTest extends AttentionSweep {

    HostAttentionTest() {
        super(HostKernels.create(ScalarKernels.create()).attention());
    }
}
