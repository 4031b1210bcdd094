package dev.longspan.kernel.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What Java works out once for a kernel (tasks, documents, rates) and the device reads: uploaded at the first call, found by its key
 * after. Memory is handed out in order and, when it is used up, from its start again: uploads and kernels keep the stream's order.
 */
final class Tables {

    private static final long BYTES = 16L << 20;

    private final CudaSpace space;
    private final Map<Object, Table> known = new HashMap<>();
    private @Nullable DeviceBlock block;
    private long used;

    Tables(CudaSpace space) {
        this.space = space;
    }

    /** A table on the device and some numbers about it that stay on the host. */
    record Table(long address, Object about) {
    }

    /** A table as it is made. */
    record Made(MemorySegment bytes, Object about) {
    }

    /** The table of a key, which is a value that says all that the table depends on. */
    synchronized Table get(Object key, Function<Arena, Made> make) {
        Recording recording = space.stream().recording();
        Table found = known.get(key);
        if (found != null && recording == null) {
            return found;
        }
        try (Arena arena = Arena.ofConfined()) {
            Made made = make.apply(arena);
            long bytes = made.bytes.byteSize();
            // A graph launches again when the memory here may long hold another table.
            long address = recording != null ? recording.allocate(bytes) : take(bytes);
            space.upload(made.bytes, address);
            Table table = new Table(address, made.about);
            if (recording == null) {
                known.put(key, table);
            }
            return table;
        }
    }

    private long take(long bytes) {
        if (block == null || used + bytes > block.bytes()) {
            known.clear();
            used = 0;
            if (block == null || bytes > block.bytes()) {
                if (block != null) {
                    block.close();
                }
                block = DeviceBlock.allocate(space.device(), Math.max(BYTES, bytes));
            }
        }
        long at = block.address() + used;
        used += Math.ceilDiv(bytes, 256) * 256;
        return at;
    }
}
