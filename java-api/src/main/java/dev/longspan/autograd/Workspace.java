package dev.longspan.autograd;

import dev.longspan.tensor.MemorySpace;
import dev.longspan.tensor.Owner;
import dev.longspan.tensor.Storage;
import dev.longspan.tensor.TensorArena;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Memory that passes allocate from, kept between them: slabs with a bump pointer that a closing pass sets back. Memory
 * handed out is not zeroed. Serves one thread at a time. Of passes that are open at once the last opened allocates, and closes first.
 */
public final class Workspace implements AutoCloseable {

    private static final long ALIGNMENT = 64;
    private static final long DEFAULT_SLAB_BYTES = 64L << 20;

    private static final long HOST_SLAB_BYTES = 64L << 10;

    private final TensorArena arena;
    private final long slabBytes;
    private final @Nullable Workspace host;
    private final List<Storage> slabs = new ArrayList<>();
    private int slab;
    private long used;
    private long before;
    private @Nullable Pass innermost;
    private long peakBytes;

    /** A workspace in host memory. */
    public Workspace() {
        this(MemorySpace.HOST);
    }

    /** A workspace in host memory that grows by at least {@code slabBytes}. */
    public Workspace(long slabBytes) {
        this(MemorySpace.HOST, slabBytes);
    }

    /** A workspace in the memory of a backend's space. */
    public Workspace(MemorySpace space) {
        this(space, DEFAULT_SLAB_BYTES);
    }

    /** A workspace in the memory of a backend's space that grows by at least {@code slabBytes}. */
    public Workspace(MemorySpace space, long slabBytes) {
        if (slabBytes <= 0) {
            throw new IllegalArgumentException("slabBytes must be positive: slabBytes=" + slabBytes);
        }
        this.arena = new TensorArena(space);
        this.slabBytes = slabBytes;
        this.host = space.isHost() ? null : new Workspace(HOST_SLAB_BYTES);
    }

    /** Where its memory lies. */
    public MemorySpace space() {
        return arena.space();
    }

    /** A place to return to. */
    record Mark(int slab, long used, long before, @Nullable Pass innermost, @Nullable Mark host) {
    }

    /** The place where the memory of a pass begins, on top of that of the passes that are open. */
    Mark open(Pass pass) {
        Mark mark = new Mark(slab, used, before, innermost, host == null ? null : host.open(pass));
        innermost = pass;
        return mark;
    }

    /** Throws where memory of a pass would come to lie, or be freed, under that of another. */
    void checkInnermost(Pass pass) {
        if (pass != innermost) {
            throw new IllegalStateException("a pass cannot allocate or close while another is open on top of it in its workspace");
        }
    }

    /** Memory of the space, itself or the small workspace on the host that goes with a device's. */
    Workspace in(MemorySpace space) {
        return host != null && space.isHost() ? host : this;
    }

    void release(Mark mark) {
        if (host != null && mark.host != null) {
            host.release(mark.host);
        }
        slab = mark.slab;
        used = mark.used;
        before = mark.before;
        innermost = mark.innermost;
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
        Storage piece = from.slice(used, bytes, owner);
        used += rounded;
        peakBytes = Math.max(peakBytes, before + used);
        return piece;
    }

    /** Where memory handed out lies, in the order of allocation; beyond everything for memory from elsewhere. */
    long position(Storage piece) {
        long start = 0;
        for (Storage from : slabs) {
            long within = piece.address() - from.address();
            if (piece.space().equals(from.space()) && within >= 0 && within < from.bytes()) {
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
        if (host != null) {
            host.close();
        }
    }
}
