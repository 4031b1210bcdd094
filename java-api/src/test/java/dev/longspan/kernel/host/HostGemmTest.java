package dev.longspan.kernel.host;

import dev.longspan.kernel.GemmSweep;
import dev.longspan.kernel.scalar.ScalarKernels;
import org.junit.jupiter.api.Test;

@WithTheLibrary
final class HostGemmTest extends GemmSweep {

    HostGemmTest() {
        super(HostKernels.create(ScalarKernels.create()).gemm());
    }

    @Test
    void errsAsChainsOf64TermsDo() {
        checkErrorOfChains(64);
    }
}
