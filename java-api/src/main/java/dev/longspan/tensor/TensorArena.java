package dev.longspan.tensor;

import dev.longspan.bindings.Sanitizer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Owns tensors that outlive a pass (parameters, state) and frees them together when closed. Usable from any thread;
 * allocation counts against {@link NativeBudget#process()}.
 */
public final class TensorArena implements Owner, AutoCloseable {

    /** A cache line and a 512-bit vector. */
    private static final long ALIGNMENT = 64;

    private final Arena arena = Arena.ofShared();
    private final AtomicLong bytes = new AtomicLong();
    private volatile boolean closed;

    /** An arena without tensors. */
    public TensorArena() {
    }

    /** A zeroed tensor of the given shape. */
    public Tensor allocate(DType dtype, long... shape) {
        return Tensor.of(allocateStorage(Tensor.byteSize(dtype, shape)), dtype, shape);
    }

    /** Zeroed memory, aligned to 64 bytes. */
    public Storage allocateStorage(long bytes) {
        checkAlive();
        NativeBudget.process().reserve(bytes);
        try {
            MemorySegment segment = arena.allocate(bytes + Sanitizer.slackBytes(), ALIGNMENT);
            Sanitizer.poison(segment.asSlice(bytes));
            this.bytes.addAndGet(bytes);
            return new Storage(segment.asSlice(0, bytes), MemorySpace.HOST, this);
        } catch (OutOfMemoryError e) {
            NativeBudget.process().release(bytes);
            throw new OutOfNativeMemoryException("the operating system refused " + bytes + " bytes");
        } catch (RuntimeException e) {
            NativeBudget.process().release(bytes);
            throw e;
        }
    }

    /** Bytes allocated from this arena. */
    public long bytes() {
        return bytes.get();
    }

    @Override
    public void checkAlive() {
        if (closed) {
            throw new IllegalStateException("the tensor's arena is closed");
        }
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            arena.close();
            NativeBudget.process().release(bytes.get());
        }
    }
}
