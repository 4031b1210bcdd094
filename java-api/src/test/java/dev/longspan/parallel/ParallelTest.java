package dev.longspan.parallel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class ParallelTest {

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 8})
    void everyItemRunsExactlyOnce(int threads) {
        Parallel parallel = Parallel.of(threads);
        for (int items : new int[]{0, 1, 2, 7, 1000}) {
            for (int repeat = 0; repeat < 20; repeat++) {
                AtomicIntegerArray runs = new AtomicIntegerArray(items);
                parallel.forEach(items, (item, scratch) -> runs.incrementAndGet((int) item));
                for (int i = 0; i < items; i++) {
                    assertThat(runs.get(i)).as("threads=%d items=%d item=%d", threads, items, i).isEqualTo(1);
                }
            }
        }
    }

    @Test
    void rangesTileTheItemsWhateverTheThreads() {
        Set<List<Long>> ranges = ConcurrentHashMap.newKeySet();
        Parallel.of(3).forRanges(10, 4, (from, end, scratch) -> ranges.add(List.of(from, end)));
        assertThat(ranges).containsExactlyInAnyOrder(List.of(0L, 4L), List.of(4L, 8L), List.of(8L, 10L));
    }

    @Test
    void twoThreadsWorkAtTheSameTime() {
        CountDownLatch both = new CountDownLatch(2);
        Parallel.of(2).forEach(2, (item, scratch) -> {
            both.countDown();
            await(both);
        });
        assertThat(both.getCount()).isZero();
    }

    @Test
    void aRegionEndsWhenItsLastItemDoes() {
        CountDownLatch both = new CountDownLatch(2);
        AtomicLong done = new AtomicLong();
        Thread caller = Thread.currentThread();
        Parallel.of(2).forEach(2, (item, scratch) -> {
            both.countDown();
            await(both);
            if (!Thread.currentThread().equals(caller)) {
                java.util.concurrent.locks.LockSupport.parkNanos(20_000_000);
            }
            done.incrementAndGet();
        });
        assertThat(done.get()).isEqualTo(2);
    }

    @Test
    void theExceptionOfAnItemIsRethrownAndTheTeamLivesOn() {
        Parallel parallel = Parallel.of(3);
        for (int repeat = 0; repeat < 50; repeat++) {
            int bad = repeat;
            assertThatThrownBy(() -> parallel.forEach(100, (item, scratch) -> {
                if (item == bad) {
                    throw new IllegalArgumentException("item " + item);
                }
            })).isInstanceOf(IllegalArgumentException.class).hasMessage("item " + bad);
            AtomicLong sum = new AtomicLong();
            parallel.forEach(100, (item, scratch) -> sum.addAndGet(item));
            assertThat(sum.get()).isEqualTo(4950);
        }
        assertThatThrownBy(() -> parallel.forEach(5, (item, scratch) -> {
            throw new StackOverflowError();
        })).isInstanceOf(StackOverflowError.class);
    }

    @Test
    void noItemStartsAfterOneHasFailed() {
        AtomicLong runs = new AtomicLong();
        assertThatThrownBy(() -> Parallel.of(2).forEach(10_000_000, (item, scratch) -> {
            if (runs.incrementAndGet() == 1) {
                throw new IllegalStateException();
            }
        })).isInstanceOf(IllegalStateException.class);
        assertThat(runs.get()).isLessThan(10_000_000);
    }

    @Test
    void aRaisedSignalStopsTheRegion() {
        CancelSignal signal = new CancelSignal();
        Parallel parallel = Parallel.of(2).cancelledBy(signal);
        AtomicLong runs = new AtomicLong();
        assertThatThrownBy(() -> parallel.forEach(1_000_000, (item, scratch) -> {
            if (runs.incrementAndGet() == 10) {
                signal.raise();
            }
        })).isInstanceOf(CancelledException.class);
        assertThat(runs.get()).isLessThan(1_000_000);
        assertThatThrownBy(() -> parallel.forEach(1, (item, scratch) -> { })).isInstanceOf(CancelledException.class);
    }

    @Test
    void aRegionWithinARegionRunsOnItsCaller() {
        Parallel parallel = Parallel.of(3);
        AtomicLong sum = new AtomicLong();
        parallel.forEach(8, (outer, scratch) -> {
            double[] mine = scratch.doubles(0, 4);
            mine[0] = outer;
            Thread caller = Thread.currentThread();
            parallel.forEach(10, (inner, other) -> {
                assertThat(Thread.currentThread()).isSameAs(caller);
                assertThat(other).isNotSameAs(scratch);
                other.doubles(0, 4)[0] = -1;
                sum.addAndGet(inner);
            });
            assertThat(mine[0]).isEqualTo((double) outer);
        });
        assertThat(sum.get()).isEqualTo(8 * 45);
    }

    @Test
    void manyThreadsShareOneTeam() throws ExecutionException, InterruptedException {
        Parallel parallel = Parallel.of(2);
        try (ExecutorService callers = Executors.newFixedThreadPool(6)) {
            List<Future<Long>> sums = new ArrayList<>();
            for (int caller = 0; caller < 6; caller++) {
                sums.add(callers.submit(() -> {
                    long total = 0;
                    for (int repeat = 0; repeat < 300; repeat++) {
                        AtomicLong sum = new AtomicLong();
                        parallel.forEach(20, (item, scratch) -> sum.addAndGet(item));
                        total += sum.get();
                    }
                    return total;
                }));
            }
            for (Future<Long> sum : sums) {
                assertThat(sum.get()).isEqualTo(300 * 190);
            }
        }
    }

    @Test
    void noTwoItemsThatRunTogetherShareScratch() {
        Parallel.of(4).forEach(200, (item, scratch) -> {
            double[] buffer = scratch.doubles(0, 64);
            java.util.Arrays.fill(buffer, 0, 64, item);
            Thread.onSpinWait();
            for (int i = 0; i < 64; i++) {
                assertThat(buffer[i]).isEqualTo((double) item);
            }
        });
    }

    @Test
    void progressIsHeardOnTheCallersThreadAndOnlyRises() {
        List<Long> heard = new ArrayList<>();
        Thread caller = Thread.currentThread();
        Parallel.of(2).reportingTo((done, total) -> {
            assertThat(Thread.currentThread()).isSameAs(caller);
            assertThat(total).isEqualTo(50);
            heard.add(done);
        }).forEach(50, (item, scratch) -> Thread.onSpinWait());
        assertThat(heard).isSorted().doesNotHaveDuplicates().allMatch(done -> done > 0 && done <= 50);
        List<Long> alone = new ArrayList<>();
        Parallel.of(1).reportingTo((done, total) -> alone.add(done)).forEach(3, (item, scratch) -> { });
        assertThat(alone).containsExactly(1L, 2L, 3L);
    }

    @Test
    void atLeastOneThreadIsNeeded() {
        assertThatIllegalArgumentException().isThrownBy(() -> Parallel.of(0)).withMessageContaining("threads=0");
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
