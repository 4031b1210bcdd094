package dev.longspan.train;

import java.nio.file.Path;
import java.util.Optional;

/** A loss or gradient became NaN or infinite; the weights are as before that step. */
public final class NonFiniteException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final long step;
    private final String tensor;

    private NonFiniteException(long step, String tensor, String message) {
        super(message);
        this.step = step;
        this.tensor = tensor;
    }

    /**
     * Without a checkpoint.
     *
     * @param step the step that failed, counted from 1
     * @param tensor what is not finite: {@code loss}, or a parameter's gradient
     */
    NonFiniteException(long step, String tensor) {
        this(step, tensor, "step " + step + ": " + tensor + " is not finite");
    }

    /** The same, naming the last good checkpoint. */
    NonFiniteException after(Optional<Path> checkpoint) {
        return new NonFiniteException(step, tensor, getMessage() + "; last good checkpoint: "
                + checkpoint.map(Path::toString).orElse("none"));
    }

    /** The step that failed, counted from 1. */
    public long step() {
        return step;
    }
}
