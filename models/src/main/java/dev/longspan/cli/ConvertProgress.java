package dev.longspan.cli;

import dev.longspan.checkpoint.TensorSource;
import dev.longspan.parallel.CancelSignal;
import dev.longspan.parallel.CancelledException;
import dev.longspan.tensor.Tensor;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A line every few seconds on how far a conversion is, and its end where it was cancelled. */
final class ConvertProgress {

    private static final long EVERY_NANOS = 2_000_000_000L;

    private final @Nullable PrintWriter out;
    private final CancelSignal cancel;
    private final long totalBytes;
    private long doneBytes;
    private long shown = System.nanoTime();

    /**
     * Progress over tensors of {@code bytes} altogether, each of which is made twice.
     *
     * @param out null shows nothing
     */
    ConvertProgress(@Nullable PrintWriter out, CancelSignal cancel, long bytes) {
        this.out = out;
        this.cancel = cancel;
        this.totalBytes = 2 * bytes;
    }

    /** The same tensors, counted when they are made. */
    Map<String, TensorSource> over(Map<String, TensorSource> tensors) {
        Map<String, TensorSource> counted = new LinkedHashMap<>();
        tensors.forEach((name, source) -> counted.put(name, TensorSource.of(source.dtype(), source.shape(), arena -> {
            count(Tensor.byteSize(source.dtype(), source.shape()));
            return source.in(arena);
        })));
        return counted;
    }

    private void count(long bytes) {
        if (cancel.isRaised()) {
            throw new CancelledException();
        }
        long now = System.nanoTime();
        if (out != null && now - shown > EVERY_NANOS) {
            shown = now;
            out.printf(Locale.ROOT, "converting  %3d %%  %s of %s%n", 100 * doneBytes / Math.max(1, totalBytes),
                    ByteSize.text(doneBytes / 2), ByteSize.text(totalBytes / 2));
            out.flush();
        }
        doneBytes += bytes;
    }
}
