package dev.longspan.bindings;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/** Where the build leaves the native library, or a sanitized one; tests that need it are skipped where it was not built. */
final class BuiltLibrary {

    private BuiltLibrary() {
    }

    static Path file() {
        return folder().resolve("liblongspan.so");
    }

    /** A library like it of another ABI version. */
    static Path stale() {
        return folder().resolve("test/libstale.so");
    }

    static void assume() {
        Assumptions.assumeTrue(Files.isRegularFile(file()), "the native library was not built: " + file());
    }

    /** As {@link #assume} for the CUDA kernels on an emulated device, which {@link CudaLibrary} then loads. */
    static void assumeEmulated() {
        Path file = folder().resolve("test/cuda/liblongspan_cuda_emulated.so");
        Assumptions.assumeTrue(Files.isRegularFile(file), "the emulated CUDA library was not built: " + file);
        System.setProperty(CudaLibrary.DRIVER_PROPERTY, file.toString());
        System.setProperty(CudaLibrary.PROPERTY, file.toString());
    }

    private static Path folder() {
        String given = System.getProperty(HostLibrary.PROPERTY);
        Path parent = given == null ? null : Path.of(given).getParent();
        return parent == null ? Path.of(System.getProperty("java.library.path", "")) : parent;
    }
}
