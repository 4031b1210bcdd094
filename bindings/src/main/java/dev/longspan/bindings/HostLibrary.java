package dev.longspan.bindings;

import dev.longspan.bindings.host.Longspan;
import java.io.IOException;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * The C++ library of CPU kernels, loaded once, or the reason why it is not. It is looked for at the path that the property
 * {@value #PROPERTY} gives, then in {@code java.library.path}, then in the {@code longspan-native} jar.
 *
 * @param tier instructions that its kernels use, such as {@code avx512_bf16}; empty where it is not loaded
 * @param reason why it is not loaded
 */
public record HostLibrary(String tier, @Nullable String reason) {

    /** Path of the library. */
    public static final String PROPERTY = "longspan.native";

    private static final String FILE = "liblongspan.so";

    private static final class Once {
        static final HostLibrary FOUND = find();
    }

    /** Loads the library at the first call. */
    public static HostLibrary get() {
        return Once.FOUND;
    }

    private static HostLibrary find() {
        String obstacle = LibraryFile.obstacle();
        if (obstacle != null) {
            return refused(obstacle);
        }
        try {
            Path file = LibraryFile.locate(PROPERTY, FILE);
            return file == null ? refused("there is no " + FILE + " in java.library.path and no longspan-native jar") : load(file);
        } catch (IOException e) {
            return refused(FILE + " cannot be read: " + e.getMessage());
        }
    }

    private static HostLibrary load(Path file) throws IOException {
        String failure = LibraryFile.load(file);
        if (failure != null) {
            return refused(failure);
        }
        if (SymbolLookup.loaderLookup().find("ls_abi_version").isEmpty()) {
            return refused(file + " is no Longspan library: it has no ls_abi_version");
        }
        int version = Longspan.ls_abi_version();
        if (version != Longspan.LS_ABI_VERSION()) {
            return refused(file + " has ABI version " + version + ": these bindings need " + Longspan.LS_ABI_VERSION());
        }
        return new HostLibrary(Longspan.ls_tier().getString(0), null);
    }

    private static HostLibrary refused(@Nullable String reason) {
        return new HostLibrary("", String.valueOf(reason));
    }
}
