package dev.longspan.tensor;

import java.lang.foreign.MemorySegment;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Memory that tensors view.
 *
 * @param space where it lies
 * @param address of its first byte, there
 * @param bytes its length, which every access is checked against
 * @param owner says whether it is still there
 * @param memory the memory itself, on the host only
 */
public record Storage(MemorySpace space, long address, long bytes, Owner owner, @Nullable MemorySegment memory) {

    public Storage {
        if (bytes < 0 || (memory != null) != space.isHost() || memory != null && memory.byteSize() != bytes) {
            throw new IllegalArgumentException("a storage must have its memory on the host, and only there: space="
                    + space.name() + ", bytes=" + bytes + ", memory=" + memory);
        }
    }

    /** Memory that the CPU reaches. */
    public static Storage host(MemorySegment memory, Owner owner) {
        return new Storage(MemorySpace.HOST, memory.address(), memory.byteSize(), owner, memory);
    }

    /** Memory of a device. */
    public static Storage device(DeviceSpace space, long address, long bytes, Owner owner) {
        return new Storage(space, address, bytes, owner, null);
    }

    /** {@code size} bytes from {@code from} on, with an owner of their own. */
    public Storage slice(long from, long size, Owner owner) {
        Objects.checkFromIndexSize(from, size, bytes);
        return memory == null ? new Storage(space, address + from, size, owner, null)
                : host(memory.asSlice(from, size), owner);
    }

    /** The memory, on the host; throws IllegalStateException where the CPU does not reach it. */
    public MemorySegment segment() {
        if (memory == null) {
            throw new IllegalStateException("the CPU does not reach this memory: space=" + space.name());
        }
        return memory;
    }
}
