package dev.longspan.jmh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.longspan.backend.Backend;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.TensorArena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class PeakMemoryTest {

    private static final long BYTES = 64L << 20;

    private static Side side(long pid) {
        return new Side() {
            @Override
            public double seconds(int times) {
                return 0;
            }

            @Override
            public void answer() {
            }

            @Override
            public long pid() {
                return pid;
            }

            @Override
            public void close() {
            }
        };
    }

    private static final Side HERE = side(ProcessHandle.current().pid());

    /** Of blocks that malloc keeps once they are free. */
    private static void touch() {
        try (TensorArena arena = new TensorArena()) {
            for (int i = 0; i < 1024; i++) {
                arena.allocate(DType.F32, BYTES / 1024 / 4).fill(1);
            }
        }
    }

    @Test
    void whatIsTouchedCountsAlthoughItIsFreedAgain() {
        assumeThat(Files.isWritable(Path.of("/proc/self/clear_refs"))).isTrue();
        touch();
        assertThat(PeakMemory.during(HERE, PeakMemoryTest::touch)).isBetween(BYTES * 9 / 10, BYTES * 3);
    }

    @Test
    void whatASideKeepsFromRunToRunCounts() {
        assumeThat(Files.isWritable(Path.of("/proc/self/clear_refs"))).isTrue();
        try (Problem problem = Family.of("pointwise").open().apply("gelu_tanh 16384x1024");
                Side own = problem.on(Backend.named("vector"), Parallel.of(1))) {
            own.answer();
            assertThat(PeakMemory.during(own, own::answer)).isBetween(BYTES * 9 / 10, BYTES * 2);
        }
    }

    @Test
    void aProcessThatIsNotThereHasNoMemory() {
        boolean[] ran = new boolean[1];
        assertThat(PeakMemory.during(side(Long.MAX_VALUE), () -> ran[0] = true)).isZero();
        assertThat(ran[0]).isTrue();
    }

    @Test
    void aLineOfStatusIsInKibibytes() {
        assertThat(PeakMemory.kibibytes(List.of("Name:\tjava", "VmHWM:\t   1234 kB"), "VmHWM:")).isEqualTo(1234);
        assertThat(PeakMemory.kibibytes(List.of("Name:\tjava"), "VmHWM:")).isZero();
    }
}
