package dev.longspan.tensor;

import dev.longspan.bindings.LargePages;
import dev.longspan.bindings.Sanitizer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** Native memory, counted against {@link NativeBudget#process()}. */
final class HostSpace implements MemorySpace {

    /** A cache line and a 512-bit vector. */
    private static final long ALIGNMENT = 64;

    @Override
    public String name() {
        return "host";
    }

    @Override
    public boolean isHost() {
        return true;
    }

    @Override
    public Allocator allocator() {
        return new HostAllocator();
    }

    private static final class HostAllocator implements Allocator {
        /** Small tensors share pieces of large pages of this size once an arena holds so much: a model's are read one after the other. */
        private static final long SLAB_BYTES = 8L << 20;

        private final Arena arena = Arena.ofShared();
        private final AtomicLong bytes = new AtomicLong();
        private @Nullable MemorySegment slab;
        private long used;

        @Override
        public Storage allocate(long bytes, Owner owner) {
            NativeBudget.process().reserve(bytes);
            try {
                MemorySegment large = bytes >= LargePages.LEAST_BYTES ? LargePages.allocate(arena, bytes) : ofSlab(bytes);
                MemorySegment segment = large != null ? large : Sanitizer.watched(arena, bytes, ALIGNMENT);
                this.bytes.addAndGet(bytes);
                return Storage.host(segment, owner);
            } catch (OutOfMemoryError e) {
                NativeBudget.process().release(bytes);
                throw new OutOfNativeMemoryException("the operating system refused " + bytes + " bytes");
            } catch (RuntimeException e) {
                NativeBudget.process().release(bytes);
                throw e;
            }
        }

        /** The next bytes of a slab; null where there is none. */
        private synchronized @Nullable MemorySegment ofSlab(long bytes) {
            if (this.bytes.get() < SLAB_BYTES) {
                return null;
            }
            if (slab == null || used + bytes > SLAB_BYTES) {
                slab = LargePages.allocate(arena, SLAB_BYTES);
                used = 0;
            }
            long from = used;
            used += Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT;
            return slab == null ? null : slab.asSlice(from, bytes);
        }

        @Override
        public void close() {
            arena.close();
            NativeBudget.process().release(bytes.get());
        }
    }
}
