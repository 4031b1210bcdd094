package dev.longspan.bindings;

import java.lang.foreign.MemorySegment;

/** Memory behind pointers that C hands out. */
public final class Pointers {

    private Pointers() {
    }

    /** {@code bytes} bytes at a pointer that C says has them. */
    public static MemorySegment memory(MemorySegment pointer, long bytes) {
        return pointer.reinterpret(bytes);
    }
}
