package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.LANES;

import dev.longspan.kernel.Moments;
import dev.longspan.parallel.Scratch;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Rows of groups of channels and their moments. */
final class GroupRows {

    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
    private static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE_UNALIGNED;

    private GroupRows() {
    }

    static MemorySegment memory(Tensor tensor) {
        if (tensor.dtype() != DType.F32) {
            throw new IllegalArgumentException("vector kernels compute with F32: dtype=" + tensor.dtype());
        }
        return tensor.segment();
    }

    /** {@code n} floats from element {@code from} of a tensor's storage on. */
    static void load(MemorySegment memory, long from, float[] to, int at, int n) {
        MemorySegment.copy(memory, FLOAT, from * 4, to, at, n);
    }

    static void store(float[] from, int at, MemorySegment memory, long to, int n) {
        MemorySegment.copy(from, at, memory, FLOAT, to * 4, n);
    }

    /** Channels {@code from} to {@code from + n − 1} of a parameter plus an offset, with room for a whole last vector. */
    static float[] parameter(@Nullable Tensor values, int from, int n, float otherwise, double offset, Scratch scratch,
            int slot) {
        float[] row = scratch.floats(slot, n + LANES);
        if (values == null) {
            Arrays.fill(row, 0, n, otherwise);
        } else {
            MemorySegment.copy(memory(values), FLOAT, (values.offset() + from) * 4, row, 0, n);
            for (int i = 0; i < n; i++) {
                row[i] = (float) (row[i] + offset);
            }
        }
        return row;
    }

    /** Mean and variance of n groups from {@code first} on. */
    static void moments(Moments of, long batch, int first, int n, double[] mean, double[] var) {
        load(of.mean(), batch * of.groups() + first, n, mean);
        load(of.var(), batch * of.groups() + first, n, var);
    }

    /** Elements of a contiguous F64 tensor. */
    static void load(Tensor from, long at, int n, double[] to) {
        load(from, at, n, to, 0);
    }

    /** From {@code to[first]} on. */
    static void load(Tensor from, long at, int n, double[] to, int first) {
        MemorySegment.copy(from.segment(), DOUBLE, (from.offset() + at) * 8, to, first, n);
    }

    static void set(Tensor to, long at, double value) {
        to.segment().set(DOUBLE, (to.offset() + at) * 8, value);
    }

    static void add(@Nullable Tensor to, long at, double value) {
        if (to != null) {
            set(to, at, to.segment().get(DOUBLE, (to.offset() + at) * 8) + value);
        }
    }

    static void store(double[] from, int n, Tensor to, long at) {
        MemorySegment.copy(from, 0, to.segment(), DOUBLE, (to.offset() + at) * 8, n);
    }

    /** {@code to[first + i] += values[from + i]} of an F32 tensor. */
    static void add(@Nullable Tensor to, long first, int n, double[] values, int from) {
        if (to != null) {
            MemorySegment memory = memory(to);
            for (int i = 0; i < n; i++) {
                long at = (to.offset() + first + i) * 4;
                memory.set(FLOAT, at, (float) (memory.get(FLOAT, at) + values[from + i]));
            }
        }
    }
}
