package dev.longspan.bindings;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import org.jspecify.annotations.Nullable;

/**
 * Poisons memory behind tensors where AddressSanitizer runs and the property {@value #PROPERTY} is set: aligned allocations
 * are rounded up, so that a kernel could read several floats too far without a report.
 */
public final class Sanitizer {

    /** Set by {@code make test-asan}. */
    public static final String PROPERTY = "longspan.asan";

    private static final long SLACK_BYTES = 64;
    private static final @Nullable MethodHandle POISON = find();

    private Sanitizer() {
    }

    /** Memory of an arena; native accesses behind it are errors where AddressSanitizer runs. */
    public static MemorySegment watched(Arena arena, long bytes, long alignment) {
        if (POISON == null) {
            return arena.allocate(bytes, alignment);
        }
        MemorySegment segment = arena.allocate(bytes + SLACK_BYTES, alignment);
        MemorySegment slack = segment.asSlice(bytes);
        try {
            POISON.invokeExact(slack, slack.byteSize());
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e); // a downcall throws nothing else
        }
        return segment.asSlice(0, bytes);
    }

    private static @Nullable MethodHandle find() {
        if (!Boolean.getBoolean(PROPERTY)) {
            return null;
        }
        Linker linker = Linker.nativeLinker();
        MemorySegment symbol = preloaded(linker, "__asan_poison_memory_region");
        if (symbol.address() == 0) {
            throw new IllegalStateException(PROPERTY + " is set but AddressSanitizer is not loaded: set LD_PRELOAD");
        }
        return linker.downcallHandle(symbol, FunctionDescriptor.ofVoid(ValueLayout.ADDRESS, ValueLayout.JAVA_LONG));
    }

    /** A symbol of the whole process, which no lookup of Java's searches; NULL where there is none. */
    private static MemorySegment preloaded(Linker linker, String name) {
        MethodHandle dlsym = linker.downcallHandle(linker.defaultLookup().findOrThrow("dlsym"),
                FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.ADDRESS));
        try (Arena arena = Arena.ofConfined()) {
            return (MemorySegment) dlsym.invokeExact(MemorySegment.NULL, arena.allocateFrom(name));
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e); // a downcall throws nothing else
        }
    }
}
