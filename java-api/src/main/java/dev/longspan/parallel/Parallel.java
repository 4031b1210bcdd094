package dev.longspan.parallel;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Runs the items of a region on a team of threads. Results must not depend on which thread takes an item, so they are the
 * same bits for any thread count. Thread-safe: a region started while the team is busy (nested, or from another thread)
 * runs on its caller alone.
 */
public final class Parallel {

    private static final class Shared {
        static final Parallel ALL = new Parallel(new WorkerTeam(Runtime.getRuntime().availableProcessors()), null, null);
    }

    private final WorkerTeam team;
    private final @Nullable CancelSignal cancel;
    private final @Nullable ProgressListener progress;

    private Parallel(WorkerTeam team, @Nullable CancelSignal cancel, @Nullable ProgressListener progress) {
        this.team = team;
        this.cancel = cancel;
        this.progress = progress;
    }

    /** As many threads as the JVM has processors; one team for the whole process. */
    public static Parallel all() {
        return Shared.ALL;
    }

    /**
     * A team of its own with {@code threads} threads, the caller's included. The others are daemons that start with the first
     * region that needs them, park when idle and stay as long as the JVM: keep a team, and share it.
     */
    public static Parallel of(int threads) {
        if (threads < 1) {
            throw new IllegalArgumentException("threads must be at least 1: threads=" + threads);
        }
        return new Parallel(new WorkerTeam(threads), null, null);
    }

    /** The same team, with regions that stop with CancelledException once the signal is raised. */
    public Parallel cancelledBy(CancelSignal signal) {
        return new Parallel(team, signal, progress);
    }

    /** The same team, with a listener for the regions started through the returned value. */
    public Parallel reportingTo(ProgressListener listener) {
        return new Parallel(team, cancel, listener);
    }

    /** What native kernels poll: an int32 that is not 0 once the signal is raised; NULL without a signal. */
    public MemorySegment cancelFlag() {
        return cancel == null ? MemorySegment.NULL : cancel.flag();
    }

    public int threads() {
        return team.threads();
    }

    /** Runs {@code work} for items 0 to {@code items - 1} and returns when all are done. The first exception is rethrown. */
    public void forEach(long items, Work work) {
        forRanges(items, 1, work);
    }

    /** Runs {@code work} for ranges of at most {@code grain} items: the split depends on the sizes alone. */
    public void forRanges(long items, long grain, RangeWork work) {
        if (cancel != null && cancel.isRaised()) {
            throw new CancelledException();
        }
        if (items > 0) {
            team.run(items, grain, work, cancel, progress);
        }
    }

    /** A half-open range of items. */
    @FunctionalInterface
    public interface RangeWork {
        void run(long from, long to, Scratch scratch);
    }
}
