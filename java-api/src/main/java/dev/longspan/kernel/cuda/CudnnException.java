package dev.longspan.kernel.cuda;

import dev.longspan.bindings.cudnn.Cudnn;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** What a cuDNN call returned instead of success, with cuDNN's own last error in the message. */
final class CudnnException extends RuntimeException {

    private static final long serialVersionUID = 1;

    private static final int MESSAGE_BYTES = 4096;

    private final int status;

    private CudnnException(String message, int status) {
        super(message);
        this.status = status;
    }

    /** Its cudnnStatus_t, such as 2000 for CUDNN_STATUS_BAD_PARAM. */
    int status() {
        return status;
    }

    /** Whether cuDNN knows what was asked and has no kernel for it: a status of 3000 and something. */
    boolean isUnsupported() {
        return status / 1000 == 3;
    }

    /** Throws what a status other than success says. */
    static void check(String call, int status) {
        if (status != Cudnn.CUDNN_STATUS_SUCCESS()) {
            throw of(call, status);
        }
    }

    private static CudnnException of(String call, int status) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment message = arena.allocate(MESSAGE_BYTES); // zeroed: also terminated where cuDNN writes nothing
            Cudnn.cudnnGetLastErrorString(message, MESSAGE_BYTES);
            String name = Cudnn.cudnnGetErrorString(status).getString(0);
            return new CudnnException(call + ": " + name + " (" + status + "): " + message.getString(0).strip(), status);
        }
    }
}
