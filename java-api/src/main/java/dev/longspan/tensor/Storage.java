package dev.longspan.tensor;

import java.lang.foreign.MemorySegment;

/** Memory that tensors view: a native segment, its bytes, the space it lies in and its owner. */
public record Storage(MemorySegment segment, MemorySpace space, Owner owner) {

    public long bytes() {
        return segment.byteSize();
    }
}
