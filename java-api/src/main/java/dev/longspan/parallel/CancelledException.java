package dev.longspan.parallel;

/** Work stopped because its {@link CancelSignal} was raised; outputs of the interrupted call are undefined. */
public final class CancelledException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public CancelledException() {
        super("cancelled");
    }
}
