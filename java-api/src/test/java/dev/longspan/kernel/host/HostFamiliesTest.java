package dev.longspan.kernel.host;

import dev.longspan.kernel.FamilySweep;
import dev.longspan.kernel.scalar.ScalarKernels;

@WithTheLibrary
final class HostFamiliesTest extends FamilySweep {

    HostFamiliesTest() {
        super(HostKernels.create(ScalarKernels.create()));
    }
}
