package dev.longspan.autograd;

import dev.longspan.tensor.MemorySpace;
import dev.longspan.tensor.Owner;
import dev.longspan.tensor.Storage;
import dev.longspan.tensor.TensorArena;
import java.util.ArrayList;
import java.util.List;

/**
 * Memory that passes allocate from, kept between them: slabs with a bump pointer that a closing pass sets back. Memory
 * handed out is not zeroed. Serves one thread at a time.
 */
public final class Workspace implements AutoCloseable {

    private static final long ALIGNMENT = 64;
    private static final long DEFAULT_SLAB_BYTES = 64L << 20;

    private final TensorArena arena = new TensorArena();
    private final long slabBytes;
    private final List<Storage> slabs = new ArrayList<>();
    private int slab;
    private long used;
    private long before;
    private long peakBytes;

    public Workspace() {
        this(DEFAULT_SLAB_BYTES);
    }

    /** A workspace that grows by at least {@code slabBytes}. */
    public Workspace(long slabBytes) {
        if (slabBytes <= 0) {
            throw new IllegalArgumentException("slabBytes must be positive: slabBytes=" + slabBytes);
        }
        this.slabBytes = slabBytes;
    }

    /** A place to return to. */
    record Mark(int slab, long used, long before) {
    }

    Mark mark() {
        return new Mark(slab, used, before);
    }

    void release(Mark mark) {
        slab = mark.slab;
        used = mark.used;
        before = mark.before;
    }

    Storage allocate(long bytes, Owner owner) {
        arena.checkAlive();
        long rounded = Math.ceilDiv(Math.max(bytes, 1), ALIGNMENT) * ALIGNMENT;
        while (slab < slabs.size() && used + rounded > slabs.get(slab).bytes()) {
            before += used;
            used = 0;
            slab++;
        }
        if (slab == slabs.size()) {
            slabs.add(arena.allocateStorage(Math.max(rounded, slabBytes)));
        }
        Storage from = slabs.get(slab);
        Storage piece = new Storage(from.segment().asSlice(used, bytes), MemorySpace.HOST, owner);
        used += rounded;
        peakBytes = Math.max(peakBytes, before + used);
        return piece;
    }

    /** Where memory handed out lies, in the order of allocation; beyond everything for memory from elsewhere. */
    long position(Storage piece) {
        long address = piece.segment().address();
        long start = 0;
        for (Storage from : slabs) {
            long within = address - from.segment().address();
            if (within >= 0 && within < from.bytes()) {
                return start + within;
            }
            start += from.bytes();
        }
        return Long.MAX_VALUE;
    }

    /** Bytes of all slabs. */
    public long bytes() {
        return arena.bytes();
    }

    /** The most bytes ever in use at once. */
    public long peakBytes() {
        return peakBytes;
    }

    @Override
    public void close() {
        arena.close();
    }
}
