package dev.longspan.kernel.cuda;

import dev.longspan.bindings.cudnn.Cudnn;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/**
 * cuDNN on the CUDA context that was current in the thread that made it. One thread at a time enqueues with it: a second
 * one gets IllegalStateException, since to set the stream and to enqueue are two calls.
 */
final class CudnnHandle extends CudnnTarget {

    private final MemorySegment pointer;
    private final ReentrantLock use = new ReentrantLock();
    private boolean closed;

    private CudnnHandle(MemorySegment pointer) {
        this.pointer = pointer;
    }

    /**
     * Throws UnsupportedOperationException where cuDNN cannot be loaded, {@link CudnnException} where there is no GPU or
     * no current context.
     */
    static CudnnHandle create() {
        requireCudnn();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
            CudnnException.check("cudnnCreate", Cudnn.cudnnCreate(out));
            return new CudnnHandle(out.get(ValueLayout.ADDRESS, 0));
        }
    }

    @Override
    void execute(long stream, CudnnDescriptor plan, CudnnDescriptor data) {
        if (!use.tryLock()) {
            throw new IllegalStateException("another thread is using this cuDNN handle");
        }
        try {
            checkOpen();
            CudnnException.check("cudnnSetStream", Cudnn.cudnnSetStream(pointer, MemorySegment.ofAddress(stream)));
            CudnnException.check("cudnnBackendExecute",
                    Cudnn.cudnnBackendExecute(pointer, plan.finished(), data.finished()));
        } finally {
            use.unlock();
        }
    }

    @Override
    void nameInGraph(CudnnDescriptor graph) {
        set(graph, Cudnn.CUDNN_ATTR_OPERATIONGRAPH_HANDLE());
    }

    @Override
    void nameInHeuristics(CudnnDescriptor heuristics) {
        // They read the handle in the graph.
    }

    @Override
    void nameInPlan(CudnnDescriptor plan) {
        set(plan, Cudnn.CUDNN_ATTR_EXECUTION_PLAN_HANDLE());
    }

    private void set(CudnnDescriptor descriptor, int attribute) {
        checkOpen();
        descriptor.set(attribute, Cudnn.CUDNN_TYPE_HANDLE(), List.of(pointer));
    }

    private void checkOpen() {
        if (closed) {
            throw new IllegalStateException("this cuDNN handle is closed");
        }
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            CudnnException.check("cudnnDestroy", Cudnn.cudnnDestroy(pointer));
        }
    }
}
