package dev.longspan.tensor;

import dev.longspan.bindings.LargePages;
import dev.longspan.bindings.Sanitizer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicLong;

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
        private final Arena arena = Arena.ofShared();
        private final AtomicLong bytes = new AtomicLong();

        @Override
        public Storage allocate(long bytes, Owner owner) {
            NativeBudget.process().reserve(bytes);
            try {
                MemorySegment large = LargePages.allocate(arena, bytes);
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

        @Override
        public void close() {
            arena.close();
            NativeBudget.process().release(bytes.get());
        }
    }
}
