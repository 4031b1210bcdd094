package dev.longspan.jmh;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** The loops of {@code src/main/c}, which `make bench` compiles where there is a C compiler. */
@SuppressWarnings("restricted") // the one place with native access
final class CLibrary {

    /** Names the shared library. */
    private static final String PROPERTY = "longspan.peers";

    private static final @Nullable SymbolLookup SYMBOLS = load();

    private CLibrary() {
    }

    /** Why there is none; null where there is one. */
    static @Nullable String absent() {
        return SYMBOLS == null ? "no C compiler when `make bench` built its peers" : null;
    }

    /** A function that returns nothing. */
    static MethodHandle function(String name, MemoryLayout... arguments) {
        if (SYMBOLS == null) {
            throw new UnsupportedOperationException("the C peers are absent: " + absent());
        }
        return Linker.nativeLinker().downcallHandle(SYMBOLS.findOrThrow(name), FunctionDescriptor.ofVoid(arguments));
    }

    private static @Nullable SymbolLookup load() {
        String file = System.getProperty(PROPERTY, "");
        return !file.isEmpty() && Files.exists(Path.of(file)) ? SymbolLookup.libraryLookup(Path.of(file), Arena.global()) : null;
    }
}
