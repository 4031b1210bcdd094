package dev.longspan.kernel.cuda;

/** A device or its driver has failed. After a fault in a kernel the context is lost, and every later call says so. */
public final class CudaException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final boolean contextLost;

    CudaException(String message, boolean contextLost) {
        super(message);
        this.contextLost = contextLost;
    }

    /** Whether nothing can be computed on the device any more by this process. */
    public boolean isContextLost() {
        return contextLost;
    }
}
