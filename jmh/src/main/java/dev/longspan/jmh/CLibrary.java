package dev.longspan.jmh;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The loops of {@code src/main/c}, which `make bench` compiles where there is a C compiler. */
@SuppressWarnings("restricted") // the one place with native access
final class CLibrary {

    /** Names the shared library. */
    private static final String PROPERTY = "longspan.peers";

    private static final @Nullable SymbolLookup SYMBOLS = load();

    private CLibrary() {
    }

    static boolean isPresent() {
        return SYMBOLS != null;
    }

    /** Throws UnsupportedOperationException where there is none. */
    static SymbolLookup require() {
        if (SYMBOLS == null) {
            throw new UnsupportedOperationException("no C compiler when `make bench` built its loops");
        }
        return SYMBOLS;
    }

    /** A function that returns nothing. */
    static MethodHandle function(String name, MemoryLayout... arguments) {
        return Linker.nativeLinker().downcallHandle(require().findOrThrow(name), FunctionDescriptor.ofVoid(arguments));
    }

    /** A function that returns a double. */
    static MethodHandle number(String name, MemoryLayout... arguments) {
        return Linker.nativeLinker().downcallHandle(require().findOrThrow(name),
                FunctionDescriptor.of(ValueLayout.JAVA_DOUBLE, arguments));
    }

    /** A function of the system's own C library that returns nothing that counts; empty where there is none. */
    static Optional<MethodHandle> systemFunction(String name, MemoryLayout... arguments) {
        return Linker.nativeLinker().defaultLookup().find(name)
                .map(at -> Linker.nativeLinker().downcallHandle(at, FunctionDescriptor.ofVoid(arguments)));
    }

    private static @Nullable SymbolLookup load() {
        String file = System.getProperty(PROPERTY, "");
        return !file.isEmpty() && Files.exists(Path.of(file)) ? SymbolLookup.libraryLookup(Path.of(file), Arena.global()) : null;
    }
}
