package dev.longspan.jmh;

import dev.longspan.backend.Backend;
import dev.longspan.bench.Deviation;
import dev.longspan.parallel.Parallel;

/** Operands, and what float64 says about the answers. */
interface Problem extends AutoCloseable {

    /** Sizes in the field's words, such as {@code causal N=2048 H=2 D=64 fwd}. */
    String name();

    Task task();

    /** Floating-point operations of one run, in 10^9; 0 where they are not what counts. */
    default double gigaflop() {
        return 0;
    }

    /** What one run must read and write, in 10^9 bytes; 0 where that is not what counts. */
    default double gigabytes() {
        return 0;
    }

    /** This library. */
    Side on(Backend backend, Parallel parallel);

    /** How far the task's answers, as a side has filled them, are off float64. */
    Deviation check();

    @Override
    void close();
}
