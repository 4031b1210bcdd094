package dev.longspan.kernel.cuda;

import dev.longspan.bindings.CudaLibrary;
import dev.longspan.bindings.driver.Driver;
import dev.longspan.tensor.NativeBudget;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/** The GPU that the property {@value #PROPERTY} numbers, 0 by default, with its primary context. Thread-safe. */
public final class CudaDevice {

    /** Number of the GPU. */
    public static final String PROPERTY = "longspan.cuda.device";

    /** Sets the limit of {@link #budget()} in bytes. */
    public static final String MEMORY_PROPERTY = "longspan.cuda.maxBytes";

    private static @Nullable CudaDevice opened;

    private final String name;
    private final int capability;
    private final long memoryBytes;
    private final MemorySegment context;
    private final NativeBudget budget;
    private volatile @Nullable String lost;

    private CudaDevice(String name, int capability, long memoryBytes, long freeBytes, MemorySegment context) {
        this.name = name;
        this.capability = capability;
        this.memoryBytes = memoryBytes;
        this.context = context;
        // The context, the library's code and other processes have taken their part of what is not free.
        this.budget = new NativeBudget("device", Math.max(1, Long.getLong(MEMORY_PROPERTY, freeBytes)), "-D" + MEMORY_PROPERTY);
    }

    /** The device, opened at the first call; throws UnsupportedOperationException with the reason where there is none. */
    public static synchronized CudaDevice get() {
        String reason = CudaLibrary.get().reason();
        if (reason != null) {
            throw new UnsupportedOperationException(reason);
        }
        if (opened == null) {
            opened = open();
        }
        return opened;
    }

    private static CudaDevice open() {
        int ordinal = Integer.getInteger(PROPERTY, 0);
        if (ordinal < 0 || ordinal >= CudaLibrary.get().devices()) {
            throw new UnsupportedOperationException("there is no device " + ordinal + ": devices=" + CudaLibrary.get().devices());
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment number = arena.allocate(ValueLayout.JAVA_LONG, 2);
            Driver.cuDeviceGet(number, ordinal);
            int device = number.get(ValueLayout.JAVA_INT, 0);
            MemorySegment name = arena.allocate(256);
            Driver.cuDeviceGetName(name, (int) name.byteSize(), device);
            Driver.cuDeviceGetAttribute(number, Driver.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR(), device);
            int major = number.get(ValueLayout.JAVA_INT, 0);
            Driver.cuDeviceGetAttribute(number, Driver.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR(), device);
            int capability = 10 * major + number.get(ValueLayout.JAVA_INT, 0);
            if (capability < 80) {
                throw new UnsupportedOperationException("the kernels need compute capability 8.0: " + name.getString(0) + " has "
                        + capability / 10 + "." + capability % 10);
            }
            MemorySegment context = arena.allocate(ValueLayout.ADDRESS);
            int status = Driver.cuDevicePrimaryCtxRetain(context, device);
            if (status != Driver.CUDA_SUCCESS()) {
                throw new UnsupportedOperationException("device " + ordinal + " gives no context: " + CudaLibrary.error(status));
            }
            MemorySegment current = context.get(ValueLayout.ADDRESS, 0);
            Driver.cuCtxSetCurrent(current);
            Driver.cuMemGetInfo_v2(number, number.asSlice(Long.BYTES));
            return new CudaDevice(name.getString(0), capability, number.getAtIndex(ValueLayout.JAVA_LONG, 1),
                    number.getAtIndex(ValueLayout.JAVA_LONG, 0), current);
        }
    }

    /** Name, compute capability, memory and driver in words. */
    String describe() {
        return "%s, compute capability %d.%d, %.1f GB, driver for CUDA %s".formatted(name, capability / 10, capability % 10,
                memoryBytes / 1e9, CudaLibrary.version(CudaLibrary.get().driverVersion()));
    }

    /** Compute capability as 10 · major + minor. */
    public int capability() {
        return capability;
    }

    /** Counts what tensors and scratch take; by default up to what was free when the device was opened. */
    public NativeBudget budget() {
        return budget;
    }

    /** Lets the calling thread talk to the device; throws CudaException once the context is lost. */
    void enter() {
        String why = lost;
        if (why != null) {
            throw new CudaException("the CUDA context is lost since " + why + ": only a new process can use the device", true);
        }
        Driver.cuCtxSetCurrent(context);
    }

    boolean isLost() {
        return lost != null;
    }

    /** Throws what a status of the driver other than success means; {@code what} says when it came. */
    void check(int status, String what) {
        if (status != Driver.CUDA_SUCCESS()) {
            throw failure(what + ": " + CudaLibrary.error(status));
        }
    }

    /** The exception for an error: where the driver answers nothing else any more, the context is lost. */
    CudaException failure(String message) {
        if (lost == null) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment numbers = arena.allocate(ValueLayout.JAVA_LONG, 2);
                if (Driver.cuMemGetInfo_v2(numbers, numbers.asSlice(Long.BYTES)) != Driver.CUDA_SUCCESS()) {
                    lost = message;
                }
            }
        }
        return new CudaException(message + (isLost() ? "; the CUDA context is lost" : ""), isLost());
    }
}
