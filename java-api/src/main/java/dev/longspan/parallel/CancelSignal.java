package dev.longspan.parallel;

/** A flag that any thread may raise and that kernels poll once per tile of work. */
public final class CancelSignal {

    private volatile boolean raised;

    /** A signal that is not raised. */
    public CancelSignal() {
    }

    public void raise() {
        raised = true;
    }

    public boolean isRaised() {
        return raised;
    }
}
