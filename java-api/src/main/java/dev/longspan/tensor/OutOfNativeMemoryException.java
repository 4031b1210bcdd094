package dev.longspan.tensor;

/** A request does not fit what is left of a memory budget, the host's or a device's; nothing was allocated. */
public final class OutOfNativeMemoryException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public OutOfNativeMemoryException(String message) {
        super(message);
    }
}
