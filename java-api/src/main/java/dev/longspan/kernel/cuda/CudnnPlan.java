package dev.longspan.kernel.cuda;

/** Attention that was compiled for one {@link CudnnProblem}. */
interface CudnnPlan extends AutoCloseable {

    /** Device memory that each execution needs for itself. */
    long workspaceBytes();

    /** Enqueues the kernel on a CUDA stream and returns. */
    void execute(long stream, CudnnData data);

    @Override
    void close();
}
