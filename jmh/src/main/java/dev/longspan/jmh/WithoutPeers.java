package dev.longspan.jmh;

import dev.longspan.backend.Backend;
import dev.longspan.bench.Deviation;
import dev.longspan.parallel.Parallel;
import java.util.LinkedHashMap;
import java.util.Map;

/** A problem on the first backend alone, or on many threads beside one. */
record WithoutPeers(Problem of, boolean besideOneThread) implements Problem {

    /** What the side on one thread is called behind its backend. */
    static final String ON_ONE = " on 1 thread";

    @Override
    public Map<String, Side> own(int threads) {
        Map<String, Side> sides = new LinkedHashMap<>();
        Backend backend = of.backends().getFirst();
        sides.put(backend.name(), of.on(backend, Parallel.of(threads)));
        if (besideOneThread) {
            sides.put(backend.name() + ON_ONE, of.on(backend, Parallel.of(1)));
        }
        return sides;
    }

    @Override
    public boolean hasPeers() {
        return false;
    }

    @Override
    public String name() {
        return of.name();
    }

    @Override
    public Task task() {
        return of.task();
    }

    @Override
    public double gigaflop() {
        return of.gigaflop();
    }

    @Override
    public double gigabytes() {
        return of.gigabytes();
    }

    @Override
    public Side on(Backend backend, Parallel parallel) {
        return of.on(backend, parallel);
    }

    @Override
    public Deviation check() {
        return of.check();
    }

    @Override
    public void close() {
        of.close();
    }
}
