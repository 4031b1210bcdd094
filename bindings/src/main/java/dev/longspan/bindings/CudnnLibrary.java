package dev.longspan.bindings;

import dev.longspan.bindings.cudnn.Cudnn;
import java.io.IOException;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * cuDNN's graph library, loaded once, or the reason why it is not. It is looked for in the folder that the property
 * {@value #PROPERTY} gives, then in {@code java.library.path}, then where the dynamic linker looks. Nothing else needs
 * it.
 *
 * @param version such as 9.24.0; empty where it is not loaded
 * @param reason why it is not loaded
 */
public record CudnnLibrary(String version, @Nullable String reason) {

    /** Folder of cuDNN's libraries. */
    public static final String PROPERTY = "longspan.cudnn";

    /** The first version with one operation for attention and a mask within it. */
    private static final long OLDEST = 92100;

    // What libcudnn.so.9 would load behind it at its first call, or end the process.
    private static final String FILE = "libcudnn_graph.so.9";

    private static final class Once {
        static final CudnnLibrary FOUND = find();
    }

    /** Loads the library at the first call. */
    public static CudnnLibrary get() {
        return Once.FOUND;
    }

    private static CudnnLibrary find() {
        String obstacle = LibraryFile.obstacle();
        if (obstacle != null) {
            return refused(obstacle);
        }
        try {
            Path file = locate();
            return file == null
                    ? refused("there is no " + FILE + " in java.library.path, nor does the dynamic linker find it")
                    : load(file);
        } catch (IOException e) {
            return refused(FILE + " cannot be read: " + e.getMessage());
        }
    }

    private static @Nullable Path locate() {
        String given = System.getProperty(PROPERTY);
        if (given != null) {
            return Path.of(given, FILE);
        }
        Path found = LibraryFile.onLibraryPath(FILE);
        return found != null ? found : DynamicLinker.find(FILE, "cudnnGetVersion");
    }

    private static CudnnLibrary load(Path file) throws IOException {
        String failure = LibraryFile.load(file);
        if (failure != null) {
            return refused(failure);
        }
        if (SymbolLookup.loaderLookup().find("cudnnGetVersion").isEmpty()) {
            return refused(file + " is no cuDNN: it has no cudnnGetVersion");
        }
        long version = Cudnn.cudnnGetVersion();
        String name = version / 10_000 + "." + version / 100 % 100 + "." + version % 100;
        if (version < OLDEST) {
            return refused(file + " is cuDNN " + name + ": masked attention as one operation needs 9.21 or newer");
        }
        String missing = missing(file.toAbsolutePath().resolveSibling(""), Cudnn.cudnnGetCudartVersion() / 1000);
        return missing == null ? new CudnnLibrary(name, null)
                : refused("cuDNN " + name + " needs " + missing + ", which cannot be loaded");
    }

    /**
     * The first library that cuDNN loads by itself to plan and that is not there: without libcublasLt it ends the
     * process. The folders are those of its own run path, then the dynamic linker's.
     */
    private static @Nullable String missing(Path folder, long cuda) {
        List<String> needed = List.of("libcudnn_heuristic.so.9", "libcudnn_engines_runtime_compiled.so.9",
                "libcublasLt.so." + cuda);
        List<Path> folders = List.of(folder, folder.resolve("../../cublas/lib"),
                folder.resolve("../../cu" + cuda + "/lib"));
        for (String library : needed) {
            boolean beside = folders.stream().map(f -> f.resolve(library)).anyMatch(Files::isRegularFile);
            if (!beside && !DynamicLinker.loads(library)) {
                return library;
            }
        }
        return null;
    }

    private static CudnnLibrary refused(@Nullable String reason) {
        return new CudnnLibrary("", String.valueOf(reason));
    }
}
