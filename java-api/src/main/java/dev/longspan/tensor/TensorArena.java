package dev.longspan.tensor;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Owns tensors that outlive a pass (parameters, state) and frees them together when closed. Usable from any thread;
 * allocation counts against its space's budget, {@link NativeBudget#process()} on the host.
 */
public final class TensorArena implements Owner, AutoCloseable {

    private final MemorySpace space;
    private final Allocator allocator;
    private final Allocator host;
    private final AtomicLong bytes = new AtomicLong();
    private volatile boolean closed;

    /** An arena in host memory. */
    public TensorArena() {
        this(MemorySpace.HOST);
    }

    /** An arena in the memory of a backend's space. */
    public TensorArena(MemorySpace space) {
        this.space = space;
        this.allocator = space.allocator();
        this.host = space.isHost() ? allocator : MemorySpace.HOST.allocator();
    }

    /** Where its tensors lie. */
    public MemorySpace space() {
        return space;
    }

    /** A zeroed tensor of the given shape. */
    public Tensor allocate(DType dtype, long... shape) {
        return Tensor.of(allocateStorage(Tensor.byteSize(dtype, shape)), dtype, shape);
    }

    /** A zeroed tensor in host memory wherever the others lie: for numbers that Java reads, so that no device is asked for them. */
    public Tensor allocateOnHost(DType dtype, long... shape) {
        return Tensor.of(allocate(host, Tensor.byteSize(dtype, shape)), dtype, shape);
    }

    /** Zeroed memory, aligned to 64 bytes. */
    public Storage allocateStorage(long bytes) {
        return allocate(allocator, bytes);
    }

    private Storage allocate(Allocator from, long bytes) {
        checkAlive();
        Storage storage = from.allocate(bytes, this);
        this.bytes.addAndGet(bytes);
        return storage;
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
            allocator.close();
            if (!space.isHost()) {
                host.close();
            }
        }
    }
}
