package dev.longspan.jmh;

import dev.longspan.backend.Backend;
import dev.longspan.bench.Deviation;
import dev.longspan.parallel.Parallel;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Operands, and what float64 says about the answers. */
interface Problem extends AutoCloseable {

    /** Sizes in the field's words, such as {@code causal N=2048 H=2 D=64 fwd}. */
    String name();

    Task task();

    /** Equal steps of one run: figures are one step's. */
    default int steps() {
        return 1;
    }

    /** Floating-point operations of one step, in 10^9; 0 where they are not what counts. */
    default double gigaflop() {
        return 0;
    }

    /** What one step must read and write, in 10^9 bytes; 0 where that is not what counts. */
    default double gigabytes() {
        return 0;
    }

    /** This library. */
    Side on(Backend backend, Parallel parallel);

    /** The backends that take part, the one that peers are held against first; plain loops do not. */
    default List<Backend> backends() {
        return Backend.onHost().stream().filter(b -> b.available() != null && !b.name().equals("scalar")).toList();
    }

    /** This library by names of sides, with so many threads. */
    default Map<String, Side> own(int threads) {
        Map<String, Side> sides = new LinkedHashMap<>();
        backends().forEach(backend -> sides.put(backend.name(), on(backend, Parallel.of(threads))));
        return sides;
    }

    /** Whether other libraries are asked too. */
    default boolean hasPeers() {
        return true;
    }

    /** How far the task's answers, as a side has filled them, are off float64. */
    Deviation check();

    @Override
    void close();
}
