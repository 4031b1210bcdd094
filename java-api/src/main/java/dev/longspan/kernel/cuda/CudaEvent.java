package dev.longspan.kernel.cuda;

import dev.longspan.bindings.driver.Driver;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** A place in a stream's work: when the device had done all before it. Serves the stream's thread. */
public final class CudaEvent implements AutoCloseable {

    private final CudaStream stream;
    private final MemorySegment handle;

    /** An event that is yet to be recorded. */
    public CudaEvent(CudaStream stream) {
        this.stream = stream;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment made = arena.allocate(ValueLayout.ADDRESS);
            stream.enqueue("no event", s -> Driver.cuEventCreate(made, Driver.CU_EVENT_DEFAULT()));
            handle = made.get(ValueLayout.ADDRESS, 0);
        }
    }

    /** Marks the end of what is enqueued so far. */
    public void record() {
        stream.enqueue("no event", s -> Driver.cuEventRecord(handle, s));
    }

    /** Seconds by the device's clock from an earlier event of the stream to this one; waits for both. */
    public double secondsSince(CudaEvent earlier) {
        stream.synchronize();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment milliseconds = arena.allocate(ValueLayout.JAVA_FLOAT);
            stream.enqueue("no time", s -> Driver.cuEventElapsedTime_v2(milliseconds, earlier.handle, handle));
            return 1e-3 * milliseconds.get(ValueLayout.JAVA_FLOAT, 0);
        }
    }

    @Override
    public void close() {
        Driver.cuEventDestroy_v2(handle);
    }
}
