package dev.longspan.jmh;

import java.util.Map;
import java.util.Optional;

/** Another library. Those on the JVM are found by ServiceLoader, each on a class path of its own. */
public interface Peer extends AutoCloseable {

    /** What people call it. */
    String name();

    /** Its version, and whatever decides its speed; throws UnsupportedOperationException with the reason where it cannot run. */
    String version();

    /** The task on this library with so many threads; empty where it has nothing for it. */
    Optional<Side> on(Task task, int threads);

    /** The task by names of sides: a peer may have several ways of which each counts. */
    default Map<String, Side> sides(Task task, int threads) {
        return on(task, threads).map(side -> Map.of(name(), side)).orElse(Map.of());
    }

    @Override
    default void close() {
    }
}
