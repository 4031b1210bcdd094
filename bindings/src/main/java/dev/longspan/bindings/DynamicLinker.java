package dev.longspan.bindings;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** What the dynamic linker finds by a library's name: in LD_LIBRARY_PATH, its cache and the system's folders. */
final class DynamicLinker {

    private DynamicLinker() {
    }

    /** Where it finds a library, asked by one of its symbols; none where it does not. */
    static @Nullable Path find(String library, String symbol) {
        try {
            return SymbolLookup.libraryLookup(library, Arena.global()).find(symbol).map(DynamicLinker::file).orElse(null);
        } catch (IllegalArgumentException e) {
            return null; // it finds none
        }
    }

    /** Whether it can load a library. */
    static boolean loads(String library) {
        try {
            SymbolLookup.libraryLookup(library, Arena.global());
            return true;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    private static @Nullable Path file(MemorySegment symbol) {
        Linker linker = Linker.nativeLinker();
        MethodHandle dladdr = linker.downcallHandle(linker.defaultLookup().findOrThrow("dladdr"),
                FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.ADDRESS));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment info = arena.allocate(ValueLayout.ADDRESS, 4); // Dl_info: file, its base, symbol, its address
            int found = (int) dladdr.invokeExact(symbol, info);
            return found == 0 ? null : Path.of(info.get(ValueLayout.ADDRESS, 0).reinterpret(Long.MAX_VALUE).getString(0));
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e); // a downcall throws nothing else
        }
    }
}
