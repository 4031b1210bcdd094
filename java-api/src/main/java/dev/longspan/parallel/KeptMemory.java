package dev.longspan.parallel;

import dev.longspan.bindings.Sanitizer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Native memory that a kernel's threads share, kept between calls; a second caller at the same time gets its own. */
public final class KeptMemory {

    private final AtomicReference<@Nullable MemorySegment> kept = new AtomicReference<>();

    /** Without memory: it comes as it is asked for. */
    public KeptMemory() {
    }

    /** At least so many floats with whatever was left there. */
    public MemorySegment take(long floats) {
        MemorySegment segment = kept.getAndSet(null);
        return segment != null && segment.byteSize() >= floats * 4 ? segment
                : Sanitizer.watched(Arena.ofAuto(), Math.max(1, floats) * 4, 64);
    }

    /** Gives back what was taken. */
    public void give(MemorySegment segment) {
        kept.set(segment);
    }
}
