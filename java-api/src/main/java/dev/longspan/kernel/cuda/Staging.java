package dev.longspan.kernel.cuda;

import dev.longspan.bindings.driver.Driver;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Pinned memory between the CPU's and the device's. An upload is copied here and enqueued: the caller's memory is free at once. The
 * memory is used round and round; before it is used again the stream is waited for.
 */
final class Staging {

    private static final long BYTES = 8L << 20;

    private final CudaStream stream;
    private @Nullable PinnedMemory pinned;
    private long used;

    Staging(CudaStream stream) {
        this.stream = stream;
    }

    synchronized void upload(MemorySegment from, long to) {
        Recording recording = stream.recording();
        if (recording != null) {
            MemorySegment kept = recording.pinned(from.byteSize()).copyFrom(from);
            stream.enqueue("an upload", s -> Driver.cuMemcpyHtoDAsync_v2(to, kept, kept.byteSize(), s));
            return;
        }
        for (long at = 0; at < from.byteSize();) {
            MemorySegment piece = take(Math.min(from.byteSize() - at, BYTES / 2));
            long target = to + at;
            piece.copyFrom(from.asSlice(at, piece.byteSize()));
            stream.enqueue("an upload", s -> Driver.cuMemcpyHtoDAsync_v2(target, piece, piece.byteSize(), s));
            at += piece.byteSize();
        }
    }

    synchronized void download(long from, MemorySegment to) {
        if (stream.recording() != null) {
            throw new IllegalStateException("nothing can be read while a graph is recorded: read it after the graph's launch");
        }
        for (long at = 0; at < to.byteSize();) {
            MemorySegment piece = take(Math.min(to.byteSize() - at, BYTES / 2));
            long source = from + at;
            stream.enqueue("a download", s -> Driver.cuMemcpyDtoHAsync_v2(piece, source, piece.byteSize(), s));
            stream.synchronize();
            used = 0;
            to.asSlice(at, piece.byteSize()).copyFrom(piece);
            at += piece.byteSize();
        }
    }

    private MemorySegment take(long bytes) {
        if (pinned == null) {
            stream.device().enter();
            pinned = new PinnedMemory(stream.device(), BYTES);
        }
        if (used + bytes > BYTES) {
            stream.synchronize();
            used = 0;
        }
        long at = used;
        used += Math.ceilDiv(bytes, 256) * 256;
        return pinned.segment().asSlice(at, bytes);
    }
}
