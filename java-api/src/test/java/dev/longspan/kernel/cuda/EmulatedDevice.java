package dev.longspan.kernel.cuda;

import dev.longspan.bindings.CudaLibrary;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * The kernels' sources on the host, beside a driver of malloc and memcpy: what the native module's tests build. Or, where the
 * property {@value #REAL} is true as gpu-check has it, the device of this machine.
 */
final class EmulatedDevice {

    private static final Path FILE = Path.of(System.getProperty("java.library.path", ""),
            "test/cuda/liblongspan_cuda_emulated.so");

    private static final String REAL = "longspan.test.device";
    private static final boolean IS_REAL = Boolean.getBoolean(REAL);

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
        if (IS_REAL) {
            return CudaLibrary.get().reason();
        }
        return Files.isRegularFile(FILE) ? null : "the emulated CUDA library was not built: " + FILE;
    }

    /** One of so many of all cases, four on a device that computes faster. */
    static int some(int all, int of) {
        return Math.min(all, Math.ceilDiv(IS_REAL ? 4 * all : all, of));
    }

    /** A part of all that a test would do, all on a device that computes faster. */
    static int part(int all, int of) {
        return IS_REAL ? all : Math.ceilDiv(all, of);
    }

    /** Memory of the device of this process. */
    static CudaSpace space() {
        return Once.SPACE;
    }

    private static CudaSpace open() {
        if (!IS_REAL) {
            System.setProperty(CudaLibrary.DRIVER_PROPERTY, FILE.toString());
            System.setProperty(CudaLibrary.PROPERTY, FILE.toString());
        }
        return CudaSpace.of(CudaDevice.get());
    }
}
