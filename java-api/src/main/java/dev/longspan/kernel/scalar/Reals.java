package dev.longspan.kernel.scalar;

import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** An F32 or F64 tensor's elements as doubles, rounded when stored. Places count elements from the start of the storage. */
final class Reals {

    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
    private static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE_UNALIGNED;

    private final MemorySegment segment;
    private final boolean single;

    Reals(Tensor tensor) {
        if (tensor.dtype() != DType.F32 && tensor.dtype() != DType.F64) {
            throw new IllegalArgumentException("scalar kernels compute with F32 and F64: dtype=" + tensor.dtype());
        }
        segment = tensor.segment();
        single = tensor.dtype() == DType.F32;
    }

    double get(long at) {
        return single ? segment.get(FLOAT, at * 4) : segment.get(DOUBLE, at * 8);
    }

    void set(long at, double value) {
        if (single) {
            segment.set(FLOAT, at * 4, (float) value);
        } else {
            segment.set(DOUBLE, at * 8, value);
        }
    }

    void add(long at, double value) {
        set(at, get(at) + value);
    }

    /** {@code to[i] = this[at + i · stride]} for i below n. */
    void load(long at, long stride, double[] to, int n) {
        if (single) {
            for (int i = 0; i < n; i++) {
                to[i] = segment.get(FLOAT, (at + i * stride) * 4);
            }
        } else {
            for (int i = 0; i < n; i++) {
                to[i] = segment.get(DOUBLE, (at + i * stride) * 8);
            }
        }
    }

    /** {@code to[i] = this[at + i]} for i below n. */
    void load(long at, double[] to, int n) {
        load(at, 1, to, n);
    }

    /** {@code this[at + i] = from[first + i]} for i below n. */
    void store(long at, double[] from, int first, int n) {
        for (int i = 0; i < n; i++) {
            set(at + i, from[first + i]);
        }
    }

    /** {@code this[at + i] += from[first + i]} for i below n. */
    void add(long at, double[] from, int first, int n) {
        for (int i = 0; i < n; i++) {
            add(at + i, from[first + i]);
        }
    }

    /** {@code Σ this[at + i] · x[i]} over i below n. */
    double dot(long at, double[] x, int n) {
        double sum = 0;
        if (single) {
            for (int i = 0; i < n; i++) {
                sum += segment.get(FLOAT, (at + i) * 4) * x[i];
            }
        } else {
            for (int i = 0; i < n; i++) {
                sum += segment.get(DOUBLE, (at + i) * 8) * x[i];
            }
        }
        return sum;
    }

    /** {@code to[i] += factor · this[at + i]} for i below n. */
    void addTo(double[] to, double factor, long at, int n) {
        if (single) {
            for (int i = 0; i < n; i++) {
                to[i] += factor * segment.get(FLOAT, (at + i) * 4);
            }
        } else {
            for (int i = 0; i < n; i++) {
                to[i] += factor * segment.get(DOUBLE, (at + i) * 8);
            }
        }
    }
}
