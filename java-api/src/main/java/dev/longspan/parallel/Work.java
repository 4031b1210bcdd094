package dev.longspan.parallel;

/** One item of a parallel region. Items must be independent; which worker runs which one is not defined. */
@FunctionalInterface
public interface Work extends Parallel.RangeWork {

    void run(long item, Scratch scratch);

    @Override
    @SuppressWarnings("FunctionalInterfaceMethodChanged") // items are ranges of one: no lambda stands between them
    default void run(long from, long to, Scratch scratch) {
        for (long item = from; item < to; item++) {
            run(item, scratch);
        }
    }
}
