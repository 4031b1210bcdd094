package dev.longspan.parallel;

import java.util.ArrayDeque;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongFieldUpdater;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Daemon threads that spin for a while after a region and then park: a region that follows soon costs about a
 * microsecond, and idle threads cost nothing. The caller works too.
 */
final class WorkerTeam {

    /** About a millisecond of waiting for the next region before a worker parks. */
    private static final int SPINS = 20_000;

    /** What a caller needs for a region, kept between them; a region within its region takes another. */
    private static final class Caller {
        final Scratch scratch = new Scratch();
        final Region region = new Region();
    }

    /** Ranges of at most {@code grain} items, used again once no worker is left in it. */
    private static final class Region {
        private static final AtomicLongFieldUpdater<Region> NEXT = AtomicLongFieldUpdater.newUpdater(Region.class, "next");
        private static final AtomicLongFieldUpdater<Region> DONE = AtomicLongFieldUpdater.newUpdater(Region.class, "done");
        private static final Parallel.RangeWork NOTHING = (from, to, scratch) -> { };

        long items;
        long grain;
        long ranges;
        Parallel.RangeWork work = NOTHING;
        @Nullable CancelSignal cancel;
        @SuppressWarnings("UnusedVariable") // read through NEXT
        volatile long next;
        @SuppressWarnings("UnusedVariable") // read through DONE
        volatile long done;
        volatile @Nullable Throwable failure;

        void begin(long of, long atMost, Parallel.RangeWork what, @Nullable CancelSignal signal) {
            items = of;
            grain = atMost;
            ranges = Math.ceilDiv(of, atMost);
            work = what;
            cancel = signal;
            next = 0;
            done = 0;
            failure = null;
        }

        long take() {
            return NEXT.getAndIncrement(this);
        }

        /** Forgets what it worked on, which may be large; returns the first failure. */
        @Nullable Throwable end() {
            Throwable failed = failure;
            begin(0, 1, NOTHING, null);
            return failed;
        }

        /** The first failure counts, and nobody starts another range. */
        synchronized void fail(Throwable e) {
            failure = failure == null ? e : failure;
            next = ranges;
        }
    }

    private final int threads;
    private final Thread[] workers;
    private final AtomicBoolean busy = new AtomicBoolean();
    private final AtomicInteger active = new AtomicInteger();
    /** Those that are not in a region now; guarded by itself. */
    private final ArrayDeque<Caller> callers = new ArrayDeque<>();
    private volatile @Nullable Region region;
    private final AtomicLong epoch = new AtomicLong();

    WorkerTeam(int threads) {
        this.threads = threads;
        this.workers = new Thread[threads - 1];
    }

    int threads() {
        return threads;
    }

    void run(long items, long grain, Parallel.RangeWork work, @Nullable CancelSignal cancel,
            @Nullable ProgressListener progress) {
        Caller caller = take();
        Region mine = caller.region;
        mine.begin(items, grain, work, cancel);
        boolean team = threads > 1 && mine.ranges > 1 && busy.compareAndSet(false, true);
        try {
            if (team) {
                publish(mine);
            }
            work(mine, caller.scratch, progress);
        } finally {
            if (team) {
                withdraw();
            }
        }
        Throwable failure = mine.end();
        give(caller);
        rethrow(failure);
    }

    private Caller take() {
        synchronized (callers) {
            Caller kept = callers.poll();
            return kept == null ? new Caller() : kept;
        }
    }

    private void give(Caller caller) {
        synchronized (callers) {
            callers.push(caller);
        }
    }

    private void publish(Region mine) {
        region = mine;
        epoch.incrementAndGet();
        for (int i = 0; i < workers.length; i++) {
            if (workers[i] == null) {
                workers[i] = Thread.ofPlatform().daemon().name("longspan-worker-" + i).start(this::loop);
            }
            LockSupport.unpark(workers[i]);
        }
    }

    /** Whoever counts as active later finds no region: when nobody does, the one that was there belongs to its caller alone. */
    @SuppressWarnings("ThreadPriorityCheck") // yielding affects the speed alone
    private void withdraw() {
        region = null;
        for (int spins = 0; active.get() > 0; spins++) {
            if (spins < SPINS) {
                Thread.onSpinWait();
            } else {
                Thread.yield(); // a worker without a core may want this one
            }
        }
        busy.set(false);
    }

    private void loop() {
        Scratch scratch = new Scratch();
        long seen = 0;
        int spins = 0;
        while (true) {
            if (epoch.get() == seen) {
                if (++spins < SPINS) {
                    Thread.onSpinWait();
                } else {
                    LockSupport.park(this);
                }
                continue;
            }
            spins = 0;
            active.incrementAndGet(); // before reading the region: see withdraw
            seen = epoch.get();
            Region current = region;
            if (current != null) {
                work(current, scratch, null);
            }
            active.decrementAndGet();
        }
    }

    private static void work(Region region, Scratch scratch, @Nullable ProgressListener progress) {
        try {
            for (long range = region.take(); range < region.ranges; range = region.take()) {
                if (region.cancel != null && region.cancel.isRaised()) {
                    throw new CancelledException();
                }
                long from = range * region.grain;
                region.work.run(from, Math.min(region.items, from + region.grain), scratch);
                long done = Region.DONE.incrementAndGet(region);
                if (progress != null) {
                    progress.onProgress(done, region.ranges);
                }
            }
        } catch (RuntimeException | Error e) {
            region.fail(e);
        }
    }

    private static void rethrow(@Nullable Throwable failure) {
        if (failure instanceof Error error) {
            throw error;
        }
        if (failure instanceof RuntimeException runtime) {
            throw runtime;
        }
    }
}
