package dev.longspan.kernel.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.longspan.kernel.Kernels;
import dev.longspan.parallel.CancelSignal;
import dev.longspan.parallel.CancelledException;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Order, owners, graphs and memory of a device's stream. */
@OnTheEmulatedDevice
final class CudaStreamTest {

    private static final Parallel ONE = Parallel.of(1);

    private final CudaSpace space = CudaSpace.of(EmulatedDevice.space().device());
    private final Kernels kernels = CudaKernels.on(space).families();
    private final TensorArena arena = new TensorArena(space);

    @AfterEach
    void free() {
        arena.close();
    }

    @Test
    void tensorsMoveBetweenHostAndDevice() {
        double[] values = new double[3_000_000]; // more than one pinned piece
        for (int i = 0; i < values.length; i++) {
            values[i] = i % 1000;
        }
        Tensor x = arena.allocate(DType.F32, values.length);
        assertThat(x.slice(0, 0, 1000).toDoubles()).containsOnly(0);
        assertThat(x.set(values).toDoubles()).isEqualTo(values);
        assertThat(arena.allocate(DType.F64, 3).fill(-0.1).toDoubles()).containsOnly(-0.1);
        assertThat(arena.allocate(DType.I64, 3).fill(-2).toLongs()).containsOnly(-2);
        assertThat(arena.allocate(DType.BF16, 3).fill(1.5).toDoubles()).containsOnly(1.5);
    }

    @Test
    void overlappingCopiesWithinTheDeviceKeepTheirValues() {
        Tensor x = arena.allocate(DType.F32, 6).set(1, 2, 3, 4, 5, 6);
        x.slice(0, 0, 5).copyFrom(x.slice(0, 1, 6));
        assertThat(x.toDoubles()).containsExactly(2, 3, 4, 5, 6, 6);
        x.slice(0, 1, 6).copyFrom(x.slice(0, 0, 5));
        assertThat(x.toDoubles()).containsExactly(2, 2, 3, 4, 5, 6);
    }

    @Test
    void aSecondThreadIsRefusedUntilTheFirstHasWaited() throws InterruptedException {
        Tensor x = arena.allocate(DType.F32, 10).fill(3);
        CountDownLatch enqueued = new CountDownLatch(1);
        CountDownLatch refused = new CountDownLatch(1);
        Thread first = Thread.ofPlatform().name("first").start(() -> {
            kernels.elementwise().multiply(ONE, x, x, x, false);
            enqueued.countDown();
            await(refused);
            space.stream().synchronize();
        });
        await(enqueued);
        assertThatThrownBy(() -> kernels.elementwise().add(ONE, x, x, x)).isInstanceOf(StreamInUseException.class)
                .hasMessageContaining("first has work on it");
        assertThatThrownBy(x::toDoubles).isInstanceOf(StreamInUseException.class);
        refused.countDown();
        first.join();
        kernels.elementwise().add(ONE, x, x, x);
        assertThat(x.toDoubles()).containsOnly(18);
        AtomicReference<Throwable> thrown = new AtomicReference<>();
        Thread ended = Thread.ofPlatform().start(() -> kernels.elementwise().add(ONE, x, x, x));
        ended.setUncaughtExceptionHandler((thread, e) -> thrown.set(e));
        ended.join();
        assertThat(thrown.get()).isNull();
        assertThat(x.toDoubles()).as("what a thread that has ended left").containsOnly(36);
    }

    @Test
    void aGraphDoesAgainWhatWasRecorded() {
        Tensor x = arena.allocate(DType.F32, 5).fill(1);
        Tensor step = arena.allocate(DType.F32, 5).fill(2);
        Tensor sum = arena.allocate(DType.F32, 1);
        Runnable work = () -> {
            kernels.elementwise().multiply(ONE, x, step, x, false);
            kernels.elementwise().sum(ONE, 1, x, sum);
        };
        work.run();
        assertThat(sum.item()).isEqualTo(10);
        CudaGraph closed;
        try (CudaGraph graph = CudaGraph.record(space, work)) {
            closed = graph;
            assertThat(sum.item()).as("recorded, not done").isEqualTo(10);
            graph.launch();
            graph.launch();
            assertThat(sum.item()).isEqualTo(40);
            step.fill(10);
            graph.launch();
            assertThat(sum.item()).isEqualTo(400);
        }
        assertThatIllegalStateException().isThrownBy(closed::launch).withMessage("the graph is closed");
    }

    @Test
    void aRecordingRefusesWhatAGraphCannotDo() {
        Tensor x = arena.allocate(DType.F32, 5).fill(1);
        assertThatIllegalStateException().isThrownBy(() -> CudaGraph.record(space, x::toDoubles))
                .withMessageContaining("nothing can be read while a graph is recorded");
        assertThatIllegalStateException().isThrownBy(() -> CudaGraph.record(space, () -> arena.allocate(DType.F32, 5)))
                .withMessageContaining("allocated before a graph is recorded");
        assertThat(x.toDoubles()).as("the stream works on").containsOnly(1);
    }

    @Test
    void tensorsOfElsewhereAreRefused() {
        Tensor x = arena.allocate(DType.F32, 5);
        try (TensorArena host = new TensorArena()) {
            Tensor y = host.allocate(DType.F32, 5);
            assertThatIllegalArgumentException().isThrownBy(() -> kernels.elementwise().add(ONE, x, y, x))
                    .withMessageContaining("lies in host");
        }
        assertThatIllegalArgumentException().isThrownBy(() ->
                kernels.elementwise().add(ONE, x, arena.allocate(DType.F32, 4), x)).withMessageContaining("5 neighbours of F32");
    }

    @Test
    void aCancelledCallerEnqueuesNothing() {
        CancelSignal signal = new CancelSignal();
        Tensor x = arena.allocate(DType.F32, 5).fill(1);
        signal.raise();
        assertThatThrownBy(() -> kernels.elementwise().add(ONE.cancelledBy(signal), x, x, x))
                .isInstanceOf(CancelledException.class);
        assertThat(x.toDoubles()).containsOnly(1);
    }

    @Test
    void memoryIsCountedAndGivenBack() {
        long used = space.device().budget().usedBytes();
        try (TensorArena own = new TensorArena(space)) {
            own.allocate(DType.F32, 1000);
            assertThat(space.device().budget().usedBytes()).isEqualTo(used + 4000);
        }
        assertThat(space.device().budget().usedBytes()).isEqualTo(used);
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
