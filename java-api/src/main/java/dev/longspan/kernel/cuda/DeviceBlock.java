package dev.longspan.kernel.cuda;

import dev.longspan.bindings.CudaLibrary;
import dev.longspan.bindings.driver.Driver;
import dev.longspan.tensor.OutOfNativeMemoryException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Memory of a device, counted against its budget; its contents are whatever was left there. */
record DeviceBlock(CudaDevice device, long address, long bytes) implements AutoCloseable {

    static DeviceBlock allocate(CudaDevice device, long bytes) {
        device.enter();
        device.budget().reserve(bytes);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment made = arena.allocate(ValueLayout.JAVA_LONG);
            int status = Driver.cuMemAlloc_v2(made, Math.max(1, bytes));
            if (status == Driver.CUDA_ERROR_OUT_OF_MEMORY()) {
                throw new OutOfNativeMemoryException("the device refused " + bytes + " bytes: " + CudaLibrary.error(status)
                        + ", used here=" + (device.budget().usedBytes() - bytes));
            }
            device.check(status, "no device memory of " + bytes + " bytes");
            return new DeviceBlock(device, made.get(ValueLayout.JAVA_LONG, 0), bytes);
        } catch (RuntimeException e) {
            device.budget().release(bytes);
            throw e;
        }
    }

    /** Waits for the device. */
    @Override
    public void close() {
        if (!device.isLost()) {
            device.enter();
            Driver.cuMemFree_v2(address);
        }
        device.budget().release(bytes);
    }
}
