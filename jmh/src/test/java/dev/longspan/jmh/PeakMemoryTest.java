package dev.longspan.jmh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.longspan.tensor.DType;
import dev.longspan.tensor.TensorArena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class PeakMemoryTest {

    @Test
    void whatIsTouchedCountsAlthoughItIsFreedAgain() {
        assumeThat(Files.isWritable(Path.of("/proc/self/clear_refs"))).isTrue();
        long bytes = 64L << 20;
        long grown = PeakMemory.during(ProcessHandle.current().pid(), () -> {
            try (TensorArena arena = new TensorArena()) {
                arena.allocate(DType.F32, bytes / 4).fill(1);
            }
        });
        assertThat(grown).isBetween(bytes * 9 / 10, bytes * 3);
    }

    @Test
    void aProcessThatIsNotThereHasNoMemory() {
        boolean[] ran = new boolean[1];
        assertThat(PeakMemory.during(Long.MAX_VALUE, () -> ran[0] = true)).isZero();
        assertThat(ran[0]).isTrue();
    }

    @Test
    void aLineOfStatusIsInKibibytes() {
        assertThat(PeakMemory.kibibytes(List.of("Name:\tjava", "VmHWM:\t   1234 kB"), "VmHWM:")).isEqualTo(1234);
        assertThat(PeakMemory.kibibytes(List.of("Name:\tjava"), "VmHWM:")).isZero();
    }
}
