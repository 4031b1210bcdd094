package dev.longspan.parallel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** A flag that any thread may raise and that kernels poll once per tile of work. */
public final class CancelSignal {

    private final MemorySegment flag = Arena.ofAuto().allocate(ValueLayout.JAVA_INT);
    private volatile boolean raised;

    /** A signal that is not raised. */
    public CancelSignal() {
    }

    public void raise() {
        raised = true;
        flag.set(ValueLayout.JAVA_INT, 0, 1);
    }

    public boolean isRaised() {
        return raised;
    }

    /** The flag for native kernels: an int32, 0 until the signal is raised. */
    MemorySegment flag() {
        return flag;
    }
}
