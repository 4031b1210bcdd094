package dev.longspan.kernel.cuda;

/** A thread enqueued work on a stream on which another one has work that it has not waited for. */
public final class StreamInUseException extends IllegalStateException {
    private static final long serialVersionUID = 1;

    StreamInUseException(String message) {
        super(message);
    }
}
