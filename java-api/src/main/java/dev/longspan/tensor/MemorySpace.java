package dev.longspan.tensor;

/** Where storages lie: in memory that the CPU reaches, or on a {@link DeviceSpace}. */
public interface MemorySpace {

    /** Memory that the CPU reaches. */
    MemorySpace HOST = new HostSpace();

    /** What messages call it. */
    String name();

    /** Whether the CPU reaches it. */
    boolean isHost();

    /** A source of memory here, freed as a whole. */
    Allocator allocator();
}
