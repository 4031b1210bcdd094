package dev.longspan.bindings;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** Large allocations in large pages. */
@EnabledOnOs(OS.LINUX)
class LargePagesTest {

    private static final long BYTES = LargePages.LEAST_BYTES + 4096;
    private static final Path ENABLED = Path.of("/sys/kernel/mm/transparent_hugepage/enabled");

    @BeforeAll
    static void systemHasThem() throws IOException {
        assumeTrue(Files.exists(ENABLED) && !Files.readString(ENABLED).contains("[never]"), "this kernel gives no large pages");
    }

    @Test
    void areAskedForUntilTheArenaIsClosed() throws IOException {
        long address;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = requireNonNull(LargePages.allocate(arena, BYTES));
            address = memory.address();
            assertThat(memory.byteSize()).isEqualTo(BYTES);
            assertThat(address % (2L << 20)).isZero();
            memory.set(ValueLayout.JAVA_BYTE, BYTES - 1, (byte) 1);
            assertThat(memory.get(ValueLayout.JAVA_BYTE, BYTES - 2)).isZero();
            assertThat(flags(address)).contains(" hg");
        }
        assertThat(flags(address)).isEmpty();
    }

    @Test
    void areLeftToLargeAllocations() {
        try (Arena arena = Arena.ofConfined()) {
            assertThat(LargePages.allocate(arena, LargePages.LEAST_BYTES - 1)).isNull();
        }
    }

    @Test
    void areNullWhereThereIsNoRoom() {
        try (Arena arena = Arena.ofConfined()) {
            assertThat(LargePages.allocate(arena, 1L << 50)).isNull();
        }
    }

    /** What the kernel says of the mapping that has the address; empty where none has. */
    private static String flags(long address) throws IOException {
        List<String> lines = Files.readAllLines(Path.of("/proc/self/smaps"));
        boolean inside = false;
        for (String line : lines) {
            String[] range = line.split("[- ]", 3);
            if (range[0].matches("[0-9a-f]{6,}") && range.length == 3) {
                inside = Long.parseUnsignedLong(range[0], 16) <= address && address < Long.parseUnsignedLong(range[1], 16);
            } else if (inside && line.startsWith("VmFlags:")) {
                return line;
            }
        }
        return "";
    }
}
