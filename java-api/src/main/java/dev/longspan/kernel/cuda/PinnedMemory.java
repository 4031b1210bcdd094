package dev.longspan.kernel.cuda;

import dev.longspan.bindings.Pointers;
import dev.longspan.bindings.driver.Driver;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Host memory that stays where it is, so that the device reads it while the CPU goes on. */
final class PinnedMemory implements AutoCloseable {

    private final MemorySegment segment;

    PinnedMemory(CudaDevice device, long bytes) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment made = arena.allocate(ValueLayout.ADDRESS);
            device.check(Driver.cuMemHostAlloc(made, Math.max(1, bytes), 0), "no pinned memory of " + bytes + " bytes");
            segment = Pointers.memory(made.get(ValueLayout.ADDRESS, 0), bytes);
        }
    }

    MemorySegment segment() {
        return segment;
    }

    @Override
    public void close() {
        Driver.cuMemFreeHost(segment);
    }
}
