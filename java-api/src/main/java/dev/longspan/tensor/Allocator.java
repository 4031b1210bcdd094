package dev.longspan.tensor;

/** A source of memory of one space that is freed as a whole. Usable from any thread. */
public interface Allocator extends AutoCloseable {

    /** Zeroed memory, aligned to 64 bytes at least; a typed error where there is not enough of it. */
    Storage allocate(long bytes, Owner owner);

    @Override
    void close();
}
