package dev.longspan.bindings;

import dev.longspan.bindings.driver.Driver;
import dev.longspan.bindings.cuda.LongspanCuda;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * NVIDIA's driver and the library of CUDA kernels, loaded once and initialised, or the reason why not. The driver is the
 * system's {@code libcuda.so.1} unless the property {@value #DRIVER_PROPERTY} names a file; the kernels are looked for at the
 * path that {@value #PROPERTY} gives, then in {@code java.library.path}, then in the jar of classifier linux-x86_64-cuda13.
 *
 * @param devices how many there are
 * @param driverVersion of CUDA that the driver supports, as 1000 · major + 10 · minor
 * @param reason why they are not loaded
 */
public record CudaLibrary(int devices, int driverVersion, @Nullable String reason) {

    /** Path of the kernels. */
    public static final String PROPERTY = "longspan.cuda";

    /** Path of the driver. */
    public static final String DRIVER_PROPERTY = "longspan.cuda.driver";

    private static final String FILE = "liblongspan_cuda.so";
    private static final String DRIVER = "libcuda.so.1";

    /** The toolkit that compiles the kernels: no older driver runs them. */
    private static final int OLDEST_DRIVER = 13000;

    private static final class Once {
        static final CudaLibrary FOUND = find();
    }

    /** Loads the libraries at the first call. */
    public static CudaLibrary get() {
        return Once.FOUND;
    }

    /** A version of CUDA as a person writes it. */
    public static String version(int number) {
        return number / 1000 + "." + number % 1000 / 10;
    }

    private static CudaLibrary find() {
        String obstacle = LibraryFile.obstacle();
        if (obstacle != null) {
            return refused(obstacle);
        }
        try {
            String failure = loadDriver();
            if (failure != null) {
                return refused(failure);
            }
            int version = number(Driver::cuDriverGetVersion);
            if (version < OLDEST_DRIVER) {
                return refused("the NVIDIA driver is too old: it supports CUDA " + version(version) + ", the kernels need "
                        + version(OLDEST_DRIVER));
            }
            int status = Driver.cuInit(0);
            if (status != Driver.CUDA_SUCCESS()) {
                return refused("cuInit failed: " + error(status));
            }
            int devices = number(Driver::cuDeviceGetCount);
            return devices == 0 ? refused("the driver sees no device") : loadKernels(devices, version);
        } catch (IOException e) {
            return refused(FILE + " cannot be read: " + e.getMessage());
        }
    }

    private static @Nullable String loadDriver() throws IOException {
        String given = System.getProperty(DRIVER_PROPERTY);
        if (given != null) {
            return LibraryFile.load(Path.of(given));
        }
        try {
            // The linker knows where the system keeps it; a lookup of a class loader, which the bindings use, needs its path.
            SymbolLookup.libraryLookup(DRIVER, Arena.global());
        } catch (IllegalArgumentException e) {
            return "no NVIDIA driver: there is no " + DRIVER;
        }
        for (String line : Files.readAllLines(Path.of("/proc/self/maps"))) {
            int path = line.indexOf('/');
            if (path >= 0 && line.substring(path).matches(".*/libcuda\\.so[.0-9]*")) {
                return LibraryFile.load(Path.of(line.substring(path)));
            }
        }
        return DRIVER + " is loaded but its file is not known";
    }

    private static CudaLibrary loadKernels(int devices, int driverVersion) throws IOException {
        Path file = LibraryFile.locate(PROPERTY, FILE);
        if (file == null) {
            return refused("there is no " + FILE + " in java.library.path and no longspan-native jar of classifier "
                    + "linux-x86_64-cuda13");
        }
        String failure = LibraryFile.load(file);
        if (failure != null) {
            return refused(failure);
        }
        if (SymbolLookup.loaderLookup().find("ls_cuda_abi_version").isEmpty()) {
            return refused(file + " has no kernels for CUDA: it has no ls_cuda_abi_version");
        }
        int version = LongspanCuda.ls_cuda_abi_version();
        return version == LongspanCuda.LS_CUDA_ABI_VERSION() ? new CudaLibrary(devices, driverVersion, null)
                : refused(file + " has ABI version " + version + ": these bindings need " + LongspanCuda.LS_CUDA_ABI_VERSION());
    }

    /** The name and text of an error of the driver. */
    public static String error(int status) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocate(ValueLayout.ADDRESS);
            if (Driver.cuGetErrorName(status, text) != Driver.CUDA_SUCCESS()) {
                return "error " + status;
            }
            String name = string(text);
            return Driver.cuGetErrorString(status, text) == Driver.CUDA_SUCCESS() ? name + ", " + string(text) : name;
        }
    }

    private static String string(MemorySegment pointer) {
        return pointer.get(ValueLayout.ADDRESS, 0).reinterpret(Long.MAX_VALUE).getString(0);
    }

    /** What a function writes to its int. */
    private interface Query {
        int read(MemorySegment into);
    }

    private static int number(Query function) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment into = arena.allocate(ValueLayout.JAVA_INT);
            return function.read(into) == Driver.CUDA_SUCCESS() ? into.get(ValueLayout.JAVA_INT, 0) : 0;
        }
    }

    private static CudaLibrary refused(String reason) {
        return new CudaLibrary(0, 0, reason);
    }
}
