package dev.longspan.train;

import java.nio.file.Path;
import java.util.Optional;

/** A loss, a gradient or what a model says is NaN or infinite; in training the weights are as before that step. */
public final class NonFiniteException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final long step;
    private final String tensor;

    private NonFiniteException(long step, String tensor, String message) {
        super(message);
        this.step = step;
        this.tensor = tensor;
    }

    /** Outside of training. */
    public NonFiniteException(String what) {
        this(0, what, what + " is not finite");
    }

    /**
     * Without a checkpoint.
     *
     * @param step the step that failed, counted from 1
     * @param tensor what is not finite: {@code loss}, or a parameter's gradient
     */
    public NonFiniteException(long step, String tensor) {
        this(step, tensor, "step " + step + ": " + tensor + " is not finite");
    }

    /** The same, naming the last good checkpoint. */
    public NonFiniteException after(Optional<Path> checkpoint) {
        return new NonFiniteException(step, tensor, getMessage() + "; last good checkpoint: "
                + checkpoint.map(Path::toString).orElse("none"));
    }

    /** The step that failed, counted from 1; 0 outside of training. */
    public long step() {
        return step;
    }
}
