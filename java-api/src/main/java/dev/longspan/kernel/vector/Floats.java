package dev.longspan.kernel.vector;

import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Ranges of a float32 tensor's memory, so that loops count with ints from 0. They are objects: a loop takes its own, which C2 then
 * keeps off the heap, and is given memory and place.
 */
final class Floats {

    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

    private Floats() {
    }

    /** The storage of a tensor that this package can compute with. */
    static MemorySegment memory(Tensor tensor) {
        if (tensor.dtype() != DType.F32) {
            throw new IllegalArgumentException("vector kernels compute with F32: dtype=" + tensor.dtype());
        }
        return tensor.segment();
    }

    /** {@code n} elements from element {@code at} of the storage on. */
    static MemorySegment range(MemorySegment memory, long at, int n) {
        return memory.asSlice(at * 4, n * 4L);
    }

    /** {@code n} elements from row-major element {@code from} of a contiguous tensor on. */
    static MemorySegment range(Tensor tensor, long from, int n) {
        return range(memory(tensor), tensor.offset() + from, n);
    }

    static void load(MemorySegment range, float[] to, int n) {
        load(range, to, 0, n);
    }

    /** From {@code to[at]} on. */
    static void load(MemorySegment range, float[] to, int at, int n) {
        MemorySegment.copy(range, FLOAT, 0, to, at, n);
    }

    static void store(float[] from, MemorySegment range, int n) {
        MemorySegment.copy(from, 0, range, FLOAT, 0, n);
    }

    static float get(MemorySegment range, long i) {
        return range.get(FLOAT, i * 4);
    }

    static void set(MemorySegment range, long i, float value) {
        range.set(FLOAT, i * 4, value);
    }

    static float get(Tensor tensor, long i) {
        return memory(tensor).get(FLOAT, (tensor.offset() + i) * 4);
    }

    static void set(Tensor tensor, long i, float value) {
        memory(tensor).set(FLOAT, (tensor.offset() + i) * 4, value);
    }
}
