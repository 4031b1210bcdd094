package dev.longspan.bindings;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import org.jspecify.annotations.Nullable;

/**
 * Memory that Linux is asked to hold in pages of 2 MiB: the processor knows the places of 3,072 pages at once, so that one
 * thread reads 128 MiB of weights 1.3 times as fast as from pages of 4 KiB.
 */
public final class LargePages {

    /** Set to false, all memory is in pages of the common size. */
    public static final String PROPERTY = "longspan.largePages";

    private static final long PAGE_BYTES = 2L << 20;

    /** From so many bytes on: one page. */
    public static final long LEAST_BYTES = PAGE_BYTES;

    // From Linux's mman.h and mman-common.h, the same on x86-64 and aarch64.
    private static final int READ_AND_WRITE = 0x1 | 0x2;
    private static final int PRIVATE_AND_ANONYMOUS = 0x02 | 0x20;
    private static final int HUGE_PAGE = 14;
    private static final long FAILED = -1;

    private static final @Nullable LargePages HERE = find();

    private final MethodHandle map;
    private final MethodHandle unmap;
    private final MethodHandle advise;

    private LargePages(Linker linker) {
        SymbolLookup libc = linker.defaultLookup();
        map = linker.downcallHandle(libc.findOrThrow("mmap"), FunctionDescriptor.of(ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG,
                ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG));
        unmap = linker.downcallHandle(libc.findOrThrow("munmap"),
                FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
        advise = linker.downcallHandle(libc.findOrThrow("madvise"),
                FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT));
    }

    /**
     * Zeroed memory that is given back with its arena, at a multiple of 2 MiB; null for fewer than {@value #LEAST_BYTES} bytes
     * and where the system has no such pages or none to give.
     */
    public static @Nullable MemorySegment allocate(Arena arena, long bytes) {
        return HERE == null || bytes < LEAST_BYTES ? null : HERE.map(arena, bytes);
    }

    private @Nullable MemorySegment map(Arena arena, long bytes) {
        long length = Math.addExact(bytes, PAGE_BYTES);
        try {
            long address = (long) map.invokeExact(0L, length, READ_AND_WRITE, PRIVATE_AND_ANONYMOUS, -1, 0L);
            if (address == FAILED) {
                return null;
            }
            long first = Math.ceilDiv(address, PAGE_BYTES) * PAGE_BYTES;
            // Where the kernel has none the memory is as good as any other.
            int ignored = (int) advise.invokeExact(first, bytes, HUGE_PAGE);
            return MemorySegment.ofAddress(first).reinterpret(bytes, arena, memory -> unmap(address, length));
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e); // a downcall throws nothing else
        }
    }

    private void unmap(long address, long length) {
        try {
            int ignored = (int) unmap.invokeExact(address, length);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e); // a downcall throws nothing else
        }
    }

    /** None where native access is not allowed: the Vector API needs none, and memory alone is not worth a warning. */
    private static @Nullable LargePages find() {
        boolean wanted = Boolean.parseBoolean(System.getProperty(PROPERTY, "true")) && !Boolean.getBoolean(Sanitizer.PROPERTY);
        return wanted && System.getProperty("os.name").equals("Linux") && LargePages.class.getModule().isNativeAccessEnabled()
                ? new LargePages(Linker.nativeLinker()) : null;
    }
}
