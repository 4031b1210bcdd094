package dev.longspan.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class TensorArenaTest {

    private final NativeBudget budget = NativeBudget.process();

    @Test
    void allocationsAreZeroedAlignedAndCounted() {
        long before = budget.usedBytes();
        try (TensorArena arena = new TensorArena()) {
            arena.allocate(DType.U8, 3);
            Tensor x = arena.allocate(DType.F32, 100);
            assertThat(x.toDoubles()).containsOnly(0);
            assertThat(x.segment().address() % 64).isZero();
            assertThat(arena.bytes()).isEqualTo(403);
            assertThat(budget.usedBytes() - before).isEqualTo(403);
        }
        assertThat(budget.usedBytes()).isEqualTo(before);
    }

    @Test
    void smallTensorsOfALargeArenaShareNoElement() {
        try (TensorArena arena = new TensorArena()) {
            arena.allocate(DType.U8, 8L << 20);
            long before = budget.usedBytes();
            Tensor[] small = new Tensor[40]; // 12 MiB: more than one slab
            long bytes = 0;
            for (int i = 0; i < small.length; i++) {
                small[i] = arena.allocate(DType.F32, 75_000 + i);
                assertThat(small[i].segment().address() % 64).isZero();
                bytes += small[i].segment().byteSize();
                assertThat(small[i].toFloats()).containsOnly(0);
                small[i].fill(i + 1);
            }
            for (int i = 0; i < small.length; i++) {
                assertThat(small[i].toFloats()).containsOnly(i + 1);
            }
            assertThat(budget.usedBytes() - before).isEqualTo(bytes);
        }
    }

    @Test
    void aRequestBeyondTheBudgetAllocatesNothing() {
        long limit = budget.limitBytes();
        try (TensorArena arena = new TensorArena()) {
            long before = budget.usedBytes();
            budget.limit(before + 1000);
            arena.allocate(DType.U8, 600);
            assertThatThrownBy(() -> arena.allocate(DType.U8, 401)).isInstanceOf(OutOfNativeMemoryException.class)
                    .hasMessageContaining("requested=401").hasMessageContaining("limit=" + (before + 1000));
            assertThat(arena.bytes()).isEqualTo(600);
            assertThat(budget.usedBytes()).isEqualTo(before + 600);
            arena.allocate(DType.U8, 400);
        } finally {
            budget.limit(limit);
        }
    }

    @Test
    void aRequestThatWrapsRoundIsRefused() {
        NativeBudget small = new NativeBudget("native", 100, "the limit");
        small.reserve(60);
        assertThatThrownBy(() -> small.reserve(Long.MAX_VALUE)).isInstanceOf(OutOfNativeMemoryException.class);
        assertThat(small.usedBytes()).isEqualTo(60);
        small.reserve(40);
        small.release(50);
        assertThat(small.peakBytes()).isEqualTo(100);
        small.resetPeak();
        assertThat(small.peakBytes()).isEqualTo(50);
        assertThatIllegalArgumentException().isThrownBy(() -> small.limit(0)).withMessageContaining("limitBytes=0");
    }

    @Test
    void tensorsOfAClosedArenaSaySo() {
        TensorArena arena = new TensorArena();
        Tensor x = arena.allocate(DType.F32, 2, 2);
        Tensor view = x.select(0, 1);
        arena.close();
        arena.close();
        assertThatIllegalStateException().isThrownBy(view::toFloats).withMessageContaining("closed");
        assertThatIllegalStateException().isThrownBy(() -> x.fill(1));
        assertThatIllegalStateException().isThrownBy(() -> arena.allocate(DType.F32, 1));
    }

    @Test
    void anyThreadMayUseATensor() throws InterruptedException {
        try (TensorArena arena = new TensorArena()) {
            Tensor x = arena.allocate(DType.F32, 4);
            Thread other = Thread.ofPlatform().start(() -> x.fill(3));
            other.join();
            assertThat(x.toFloats()).containsOnly(3);
        }
    }
}
