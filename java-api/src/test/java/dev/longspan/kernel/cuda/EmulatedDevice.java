package dev.longspan.kernel.cuda;

import dev.longspan.bindings.CudaLibrary;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** The kernels' sources on the host, beside a driver of malloc and memcpy: what the native module's tests build. */
final class EmulatedDevice {

    private static final Path FILE = Path.of(System.getProperty("java.library.path", ""),
            "test/cuda/liblongspan_cuda_emulated.so");

    private static final class Once {
        static final CudaSpace SPACE = open();
    }

    private EmulatedDevice() {
    }

    static Path file() {
        return FILE;
    }

    /** Why there is none; nothing where there is one. */
    static @Nullable String missing() {
        return Files.isRegularFile(FILE) ? null : "the emulated CUDA library was not built: " + FILE;
    }

    /** Memory of the device of this process. */
    static CudaSpace space() {
        return Once.SPACE;
    }

    private static CudaSpace open() {
        System.setProperty(CudaLibrary.DRIVER_PROPERTY, FILE.toString());
        System.setProperty(CudaLibrary.PROPERTY, FILE.toString());
        return CudaSpace.of(CudaDevice.get());
    }
}
