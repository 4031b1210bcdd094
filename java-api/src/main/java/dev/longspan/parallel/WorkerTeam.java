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

    /** One region: counters of its own, so that a late worker of an old region cannot touch a new one. */
    private static final class Region {
        private static final AtomicLongFieldUpdater<Region> NEXT = AtomicLongFieldUpdater.newUpdater(Region.class, "next");
        private static final AtomicLongFieldUpdater<Region> DONE = AtomicLongFieldUpdater.newUpdater(Region.class, "done");

        final long items;
        final Work work;
        final @Nullable CancelSignal cancel;
        @SuppressWarnings("UnusedVariable") // read through NEXT
        volatile long next;
        volatile long done;
        volatile @Nullable Throwable failure;

        Region(long items, Work work, @Nullable CancelSignal cancel) {
            this.items = items;
            this.work = work;
            this.cancel = cancel;
        }

        /** The first failure counts, and nobody starts another item. */
        synchronized void fail(Throwable e) {
            failure = failure == null ? e : failure;
            next = items;
        }
    }

    private final int threads;
    private final Thread[] workers;
    private final AtomicBoolean busy = new AtomicBoolean();
    private final AtomicInteger active = new AtomicInteger();
    /** Of callers that are not in a region now; guarded by itself. */
    private final ArrayDeque<Scratch> callerScratch = new ArrayDeque<>();
    private volatile @Nullable Region region;
    private final AtomicLong epoch = new AtomicLong();

    WorkerTeam(int threads) {
        this.threads = threads;
        this.workers = new Thread[threads - 1];
    }

    int threads() {
        return threads;
    }

    @SuppressWarnings("ThreadPriorityCheck") // yielding affects the speed alone
    void run(long items, Work work, @Nullable CancelSignal cancel, @Nullable ProgressListener progress) {
        Region mine = new Region(items, work, cancel);
        boolean team = threads > 1 && items > 1 && busy.compareAndSet(false, true);
        Scratch scratch = takeScratch();
        try {
            if (team) {
                publish(mine);
            }
            work(mine, scratch, progress);
            if (team) {
                for (int spins = 0; active.get() > 0 || mine.done < items && mine.failure == null; spins++) {
                    if (spins < SPINS) {
                        Thread.onSpinWait();
                    } else {
                        Thread.yield(); // a worker without a core may want this one
                    }
                }
            }
        } finally {
            giveScratch(scratch);
            if (team) {
                region = null;
                busy.set(false);
            }
        }
        rethrow(mine);
    }

    private Scratch takeScratch() {
        synchronized (callerScratch) {
            Scratch kept = callerScratch.poll();
            return kept == null ? new Scratch() : kept;
        }
    }

    private void giveScratch(Scratch scratch) {
        synchronized (callerScratch) {
            callerScratch.push(scratch);
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
            active.incrementAndGet(); // before reading the region: its owner waits for active to return to zero
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
            for (long item = Region.NEXT.getAndIncrement(region); item < region.items; item = Region.NEXT.getAndIncrement(region)) {
                if (region.cancel != null && region.cancel.isRaised()) {
                    throw new CancelledException();
                }
                region.work.run(item, scratch);
                long done = Region.DONE.incrementAndGet(region);
                if (progress != null) {
                    progress.onProgress(done, region.items);
                }
            }
        } catch (RuntimeException | Error e) {
            region.fail(e);
        }
    }

    private static void rethrow(Region region) {
        Throwable failure = region.failure;
        if (failure instanceof Error error) {
            throw error;
        }
        if (failure instanceof RuntimeException runtime) {
            throw runtime;
        }
    }
}
