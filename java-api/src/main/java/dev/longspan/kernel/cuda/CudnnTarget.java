package dev.longspan.kernel.cuda;

import dev.longspan.bindings.CudnnLibrary;

/** What cuDNN compiles a plan for: the GPU behind a handle, or one described by its properties. */
abstract sealed class CudnnTarget implements AutoCloseable permits CudnnHandle, CudnnDevice {

    CudnnTarget() {
    }

    /** Throws UnsupportedOperationException with the reason where cuDNN cannot be loaded; to be asked before any call. */
    static void requireCudnn() {
        String reason = CudnnLibrary.get().reason();
        if (reason != null) {
            throw new UnsupportedOperationException(reason);
        }
    }

    /** Names the target in an unfinished operation graph. */
    abstract void nameInGraph(CudnnDescriptor graph);

    /** Names the target in unfinished heuristics. */
    abstract void nameInHeuristics(CudnnDescriptor heuristics);

    /** Names the target in an unfinished plan. */
    abstract void nameInPlan(CudnnDescriptor plan);

    /** Enqueues a finished plan on a stream with the data of a finished variant pack. */
    abstract void execute(long stream, CudnnDescriptor plan, CudnnDescriptor data);

    @Override
    public abstract void close();
}
