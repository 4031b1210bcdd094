package dev.longspan.jmh;

/** A task set up on one side. Serves one thread. */
public interface Side extends AutoCloseable {

    /** Seconds of so many runs, one after the other, and of nothing else. */
    double seconds(int times);

    /** Runs once and fills the task's answers. */
    void answer();

    /** Which of several ways it took, such as {@code toeplitz 64}; empty where there is but one. */
    default String form() {
        return "";
    }

    /** The process whose memory holds what is computed; 0 where it is a device's. */
    default long pid() {
        return ProcessHandle.current().pid();
    }

    /** Gives what it keeps from run to run, and what else is free in its process, back to the system. */
    default void trim() {
        PeakMemory.trim();
    }

    @Override
    void close();
}
