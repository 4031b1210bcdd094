package dev.longspan.verify;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The CUDA kernels' sources, on the emulated device, against the reference implementations. */
final class CudaVerifyTest {

    @ParameterizedTest
    @ValueSource(strings = {"rmt", "longnet"})
    void theReleasedCodesGoldensHold(String folder) throws Exception {
        assertThat(EmulatedJvm.run("dev.longspan.cli.Main", "verify", GoldenFolder.goldens(folder).toString(), "--backend", "cuda"))
                .last().asString().matches("[1-9]\\d* passed, 0 failed");
    }

    @Test
    void aWholeLoopOverSegmentsRunsAsOneGraph() throws Exception {
        assertThat(EmulatedJvm.run("dev.longspan.rmt.RmtGraph"))
                .containsExactly("recorded: true", "with another memory: true", "which changed: true");
    }
}
