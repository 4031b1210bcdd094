package dev.longspan.train;

import java.nio.file.Path;
import java.util.Optional;

/** A loss or gradient became NaN or infinite; the weights are as before that step. */
public final class NonFiniteException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /**
     * @param step the step that failed, counted from 1
     * @param tensor {@code loss}, or the parameter whose gradient it is
     * @param checkpoint the last one written, if any
     */
    public NonFiniteException(long step, String tensor, Optional<Path> checkpoint) {
        super("step " + step + ": " + tensor + " is not finite; last good checkpoint: "
                + checkpoint.map(Path::toString).orElse("none"));
    }
}
