package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.LANES;
import static dev.longspan.kernel.vector.Lanes.ORDER;
import static dev.longspan.kernel.vector.Lanes.SPECIES;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/** Softmax of a row of n elements and its gradient. */
final class RowSoftmax {

    private RowSoftmax() {
    }

    /**
     * {@code y = exp(x − max) / Σ exp(x − max)}. The elements of x that lie {@code ahead}, the next row's or again its own, are in
     * the caches after that: asked for while the last loop has nothing to wait for. lanes: scratch for one vector.
     */
    static void forward(MemorySegment x, MemorySegment y, int n, int ahead, float[] lanes) {
        scale(y, 1 / exponentials(x, RowSums.max(x, 0, n, lanes), y, n), n, x, ahead, lanes);
    }

    /** {@code y = exp(x − max)}; their sum. */
    private static float exponentials(MemorySegment x, float max, MemorySegment y, int n) {
        FloatVector sum = FloatVector.zero(SPECIES);
        int whole = Lanes.whole(n);
        for (int i = 0; i < whole; i += LANES) {
            FloatVector e = exponential(load(x, i), max);
            e.intoMemorySegment(y, i * 4L, ORDER);
            sum = sum.add(e);
        }
        return Lanes.sum(sum) + (whole < n ? lastExponentials(x, max, y, whole, n) : 0);
    }

    private static float lastExponentials(MemorySegment x, float max, MemorySegment y, int i, int n) {
        VectorMask<Float> rest = Lanes.first(n - i);
        FloatVector e = exponential(load(x, i, rest), max);
        e.intoMemorySegment(y, i * 4L, ORDER, rest);
        return Lanes.sum(FloatVector.zero(SPECIES).blend(e, rest));
    }

    private static FloatVector exponential(FloatVector x, float max) {
        return Exp2.ofMinus(FloatVector.broadcast(SPECIES, max).sub(x).mul(Exp2.LOG2_E));
    }

    private static void scale(MemorySegment y, float factor, int n, MemorySegment x, int ahead, float[] lanes) {
        FloatVector read = FloatVector.zero(SPECIES);
        int i = 0;
        for (; i < Lanes.whole(n); i += LANES) {
            load(y, i).mul(factor).intoMemorySegment(y, i * 4L, ORDER);
            read = read.add(load(x, ahead + i));
        }
        read.intoArray(lanes, 0);
        if (i < n) {
            VectorMask<Float> rest = Lanes.first(n - i);
            load(y, i, rest).mul(factor).intoMemorySegment(y, i * 4L, ORDER, rest);
        }
    }

    /** {@code dx += y ⊙ (dy − Σ dy ⊙ y)}. */
    static void backward(MemorySegment y, MemorySegment dy, MemorySegment dx, int n) {
        addGradient(y, dy, RowSums.dot(y, dy, n), dx, n);
    }

    private static void addGradient(MemorySegment y, MemorySegment dy, float dot, MemorySegment dx, int n) {
        int i = 0;
        for (; i < Lanes.whole(n); i += LANES) {
            load(dy, i).sub(dot).fma(load(y, i), load(dx, i)).intoMemorySegment(dx, i * 4L, ORDER);
        }
        if (i < n) {
            VectorMask<Float> rest = Lanes.first(n - i);
            load(dy, i, rest).sub(dot).fma(load(y, i, rest), load(dx, i, rest))
                    .intoMemorySegment(dx, i * 4L, ORDER, rest);
        }
    }

    private static FloatVector load(MemorySegment x, int i) {
        return FloatVector.fromMemorySegment(SPECIES, x, i * 4L, ORDER);
    }

    private static FloatVector load(MemorySegment x, int i, VectorMask<Float> mask) {
        return FloatVector.fromMemorySegment(SPECIES, x, i * 4L, ORDER, mask);
    }
}
