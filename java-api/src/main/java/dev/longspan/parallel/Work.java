package dev.longspan.parallel;

/** One item of a parallel region. Items must be independent; which worker runs which one is not defined. */
@FunctionalInterface
public interface Work {

    void run(long item, Scratch scratch);
}
