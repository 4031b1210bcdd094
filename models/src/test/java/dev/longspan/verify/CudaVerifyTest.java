package dev.longspan.verify;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The CUDA kernels' sources, on the emulated device, against the reference implementations. */
final class CudaVerifyTest {

    @Test
    void theReleasedCodesGoldensHold() {
        // Side by side: the emulated device has one thread, and they are most of this module's time.
        assertThat(Stream.of("rmt", "longnet").parallel().map(CudaVerifyTest::lastLine))
                .hasSize(2).allSatisfy(line -> assertThat(line).matches("[1-9]\\d* passed, 0 failed"));
    }

    private static String lastLine(String folder) {
        try {
            return EmulatedJvm.run("dev.longspan.cli.Main", "verify", GoldenFolder.goldens(folder).toString(), "--backend",
                    "cuda").getLast();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    @Test
    void aWholeLoopOverSegmentsRunsAsOneGraph() throws Exception {
        assertThat(EmulatedJvm.run("dev.longspan.rmt.RmtGraph"))
                .containsExactly("recorded: true", "with another memory: true", "which changed: true");
    }
}
