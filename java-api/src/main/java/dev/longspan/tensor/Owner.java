package dev.longspan.tensor;

/** Owns memory and says whether it is still there: an arena, a pass, a file mapping. */
@FunctionalInterface
public interface Owner {

    /** Throws IllegalStateException, naming what was closed, once the memory is gone. */
    void checkAlive();
}
