package dev.longspan.kernel.cuda;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** Memory that a graph's recorded work refers to: it stays until the graph is closed. */
final class Recording implements AutoCloseable {

    private final CudaDevice device;
    private final List<PinnedMemory> pinned = new ArrayList<>();
    private final List<DeviceBlock> blocks = new ArrayList<>();

    Recording(CudaDevice device) {
        this.device = device;
    }

    /** Host memory that the device reads at every launch. */
    MemorySegment pinned(long bytes) {
        PinnedMemory memory = new PinnedMemory(device, bytes);
        pinned.add(memory);
        return memory.segment();
    }

    /** Device memory of its own. */
    long allocate(long bytes) {
        DeviceBlock block = DeviceBlock.allocate(device, bytes);
        blocks.add(block);
        return block.address();
    }

    @Override
    public void close() {
        pinned.forEach(PinnedMemory::close);
        blocks.forEach(DeviceBlock::close);
    }
}
