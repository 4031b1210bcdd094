package dev.longspan.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

/** Tensors whose memory the CPU does not reach. */
final class DeviceTensorTest {

    private final PretendedDevice device = new PretendedDevice();
    private final TensorArena arena = new TensorArena(device);

    @Test
    void valuesComeBackAsTheyWereSet() {
        for (DType dtype : DType.values()) {
            Tensor t = arena.allocate(dtype, 2, 3);
            assertThat(t.toDoubles()).as("fresh %s", dtype).containsOnly(0);
            t.set(1, 0, 1, 1, 0, 1);
            assertThat(t.toDoubles()).as("%s", dtype).containsExactly(1, 0, 1, 1, 0, 1);
            assertThat(t.get(1, 0)).isEqualTo(1);
            assertThat(t.select(0, 1).slice(0, 2, 3).item()).isEqualTo(1);
            t.fill(dtype == DType.BOOL ? 1 : 3);
            assertThat(t.toDoubles()).as("filled %s", dtype).containsOnly(dtype == DType.BOOL ? 1 : 3);
            assertThat(t.zero().toDoubles()).containsOnly(0);
        }
        assertThat(arena.allocate(DType.F64, 3).fill(-0.1).toDoubles()).containsOnly(-0.1);
        assertThat(arena.allocate(DType.I32, 3).set(new long[] {4, -5, 6}).toLongs()).containsExactly(4, -5, 6);
        assertThat(arena.allocate(DType.F32, 3).set(new float[] {4, -5, 6}).toFloats()).containsExactly(4, -5, 6);
    }

    @Test
    void whatLiesBetweenTheElementsOfAViewStays() {
        Tensor t = arena.allocate(DType.F32, 2, 3).set(1, 2, 3, 4, 5, 6);
        t.slice(1, 1, 2).set(-2, -5);
        assertThat(t.toDoubles()).containsExactly(1, -2, 3, 4, -5, 6);
        t.transpose(0, 1).slice(0, 0, 1).fill(9);
        assertThat(t.toDoubles()).containsExactly(9, -2, 3, 9, -5, 6);
        assertThat(t.transpose(0, 1).toDoubles()).containsExactly(9, 9, -2, -5, 3, 6);
    }

    @Test
    void copiesAcrossSpacesConvert() {
        try (TensorArena host = new TensorArena()) {
            Tensor from = host.allocate(DType.F64, 2, 3).set(1, 2, 3, 4, 5, 6);
            Tensor there = arena.allocate(DType.F32, 2, 3).copyFrom(from);
            Tensor turned = arena.allocate(DType.BF16, 3, 2).copyFrom(there.transpose(0, 1));
            assertThat(turned.toDoubles()).containsExactly(1, 4, 2, 5, 3, 6);
            assertThat(host.allocate(DType.F32, 3, 2).copyFrom(turned).toDoubles()).containsExactly(1, 4, 2, 5, 3, 6);
            turned.slice(1, 0, 1).copyFrom(from.slice(0, 1, 2).transpose(0, 1));
            assertThat(turned.toDoubles()).containsExactly(4, 4, 5, 5, 6, 6);
            assertThat(host.allocate(DType.F32, 0, 2).copyFrom(arena.allocate(DType.F32, 0, 2)).elements()).isZero();
        }
    }

    @Test
    void copiesWithinTheDeviceDoNotCrossTheBus() {
        Tensor t = arena.allocate(DType.F32, 4).set(1, 2, 3, 4);
        int before = device.crossings();
        Tensor copy = arena.allocate(DType.F32, 4).copyFrom(t);
        Tensor half = arena.allocate(DType.BF16, 4).copyFrom(t);
        t.zero();
        assertThat(device.crossings()).isEqualTo(before);
        assertThat(copy.toDoubles()).containsExactly(1, 2, 3, 4);
        assertThat(half.toDoubles()).containsExactly(1, 2, 3, 4);
    }

    @Test
    void theCpuGetsNoSegment() {
        Tensor t = arena.allocate(DType.F32, 4);
        assertThatThrownBy(t::segment).isInstanceOf(IllegalStateException.class)
                .hasMessage("the CPU does not reach this memory: space=pretended");
        assertThat(t.isOnHost()).isFalse();
        assertThat(t.onHost().isOnHost()).isTrue();
        assertThat(t.slice(0, 2, 4).address() - t.address()).isEqualTo(8);
    }

    @Test
    void aSliceOfAStorageStaysWithinIt() {
        Storage storage = arena.allocateStorage(64);
        assertThat(storage.slice(16, 48, arena).address()).isEqualTo(storage.address() + 16);
        assertThatThrownBy(() -> storage.slice(16, 49, arena)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> new Storage(device, 0, 8, arena, MemorySegment.ofArray(new byte[8])))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("only there");
    }

    @Test
    void closedMemoryIsNotAskedFor() {
        Tensor t = arena.allocate(DType.F32, 4);
        Tensor number = arena.allocateOnHost(DType.I64, 1).set(new long[] {7});
        assertThat(number.isOnHost()).isTrue();
        arena.close();
        assertThatThrownBy(t::toDoubles).isInstanceOf(IllegalStateException.class).hasMessageContaining("closed");
        assertThatThrownBy(() -> t.set(1, 2, 3, 4)).isInstanceOf(IllegalStateException.class).hasMessageContaining("closed");
        assertThatThrownBy(number::item).isInstanceOf(IllegalStateException.class).hasMessageContaining("closed");
    }
}
