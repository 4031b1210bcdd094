package dev.longspan.kernel.cuda;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** Buffers of a stream, kept between calls. One that was outgrown stays too: a recorded graph may still use it. */
final class DeviceScratch {

    private static final long LEAST = 1L << 16;

    /** Buffers that one call may need at once. */
    enum Slot {
        KERNEL, DELTA, PART, COPY, NUMBERS
    }

    private final CudaDevice device;
    private final Map<Slot, DeviceBlock> blocks = new EnumMap<>(Slot.class);
    private final List<DeviceBlock> outgrown = new ArrayList<>();

    DeviceScratch(CudaDevice device) {
        this.device = device;
    }

    /** Address of at least {@code bytes} bytes with whatever was left there, aligned to 256. */
    synchronized long take(Slot slot, long bytes) {
        DeviceBlock block = blocks.get(slot);
        if (block == null || block.bytes() < bytes) {
            // At least doubled, so that what was outgrown is no more than what is in use.
            DeviceBlock larger = DeviceBlock.allocate(device, Math.max(Math.max(LEAST, bytes), block == null ? 0 : 2 * block.bytes()));
            if (block != null) {
                outgrown.add(block);
            }
            blocks.put(slot, larger);
            block = larger;
        }
        return block.address();
    }
}
