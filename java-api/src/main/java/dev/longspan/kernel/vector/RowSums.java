package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.LANES;
import static dev.longspan.kernel.vector.Lanes.ORDER;
import static dev.longspan.kernel.vector.Lanes.SPECIES;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/** Sums over a row: four vectors of partial sums (an addition takes four cycles), then the lanes in a fixed order. */
final class RowSums {

    private static final int STEP = 4 * LANES;

    private RowSums() {
    }

    /** {@code Σ x}. */
    static float sum(MemorySegment x, int n) {
        FloatVector a = FloatVector.zero(SPECIES);
        FloatVector b = a;
        FloatVector c = a;
        FloatVector d = a;
        int i = 0;
        for (; i <= n - STEP; i += STEP) {
            a = a.add(load(x, i));
            b = b.add(load(x, i + LANES));
            c = c.add(load(x, i + 2 * LANES));
            d = d.add(load(x, i + 3 * LANES));
        }
        for (; i < Lanes.whole(n); i += LANES) {
            a = a.add(load(x, i));
        }
        if (i < n) {
            b = b.add(load(x, i, Lanes.first(n - i)));
        }
        return Lanes.sum(a.add(b).add(c.add(d)));
    }

    /** {@code Σ (x − m)²}. */
    static float squares(MemorySegment x, float m, int n) {
        FloatVector a = FloatVector.zero(SPECIES);
        FloatVector b = a;
        FloatVector c = a;
        FloatVector d = a;
        int i = 0;
        for (; i <= n - STEP; i += STEP) {
            FloatVector x0 = load(x, i).sub(m);
            FloatVector x1 = load(x, i + LANES).sub(m);
            FloatVector x2 = load(x, i + 2 * LANES).sub(m);
            FloatVector x3 = load(x, i + 3 * LANES).sub(m);
            a = x0.fma(x0, a);
            b = x1.fma(x1, b);
            c = x2.fma(x2, c);
            d = x3.fma(x3, d);
        }
        for (; i < Lanes.whole(n); i += LANES) {
            FloatVector x0 = load(x, i).sub(m);
            a = x0.fma(x0, a);
        }
        if (i < n) {
            VectorMask<Float> rest = Lanes.first(n - i);
            FloatVector x0 = load(x, i, rest).sub(m);
            b = b.add(x0.mul(x0), rest);
        }
        return Lanes.sum(a.add(b).add(c.add(d)));
    }

    /** {@code Σ x ⊙ w}; w is a buffer of whole vectors. */
    static float dot(MemorySegment x, float[] w, int n) {
        FloatVector a = FloatVector.zero(SPECIES);
        FloatVector b = a;
        FloatVector c = a;
        FloatVector d = a;
        int i = 0;
        for (; i <= n - STEP; i += STEP) {
            a = load(x, i).fma(FloatVector.fromArray(SPECIES, w, i), a);
            b = load(x, i + LANES).fma(FloatVector.fromArray(SPECIES, w, i + LANES), b);
            c = load(x, i + 2 * LANES).fma(FloatVector.fromArray(SPECIES, w, i + 2 * LANES), c);
            d = load(x, i + 3 * LANES).fma(FloatVector.fromArray(SPECIES, w, i + 3 * LANES), d);
        }
        for (; i < Lanes.whole(n); i += LANES) {
            a = load(x, i).fma(FloatVector.fromArray(SPECIES, w, i), a);
        }
        if (i < n) {
            VectorMask<Float> rest = Lanes.first(n - i);
            b = b.add(load(x, i, rest).mul(FloatVector.fromArray(SPECIES, w, i)), rest);
        }
        return Lanes.sum(a.add(b).add(c.add(d)));
    }

    /** {@code Σ x ⊙ w ⊙ (z − m)}; w is a buffer of whole vectors. */
    static float dot(MemorySegment x, float[] w, MemorySegment z, float m, int n) {
        FloatVector a = FloatVector.zero(SPECIES);
        FloatVector b = a;
        FloatVector c = a;
        FloatVector d = a;
        int i = 0;
        for (; i <= n - STEP; i += STEP) {
            a = product(x, w, i).fma(load(z, i).sub(m), a);
            b = product(x, w, i + LANES).fma(load(z, i + LANES).sub(m), b);
            c = product(x, w, i + 2 * LANES).fma(load(z, i + 2 * LANES).sub(m), c);
            d = product(x, w, i + 3 * LANES).fma(load(z, i + 3 * LANES).sub(m), d);
        }
        for (; i < Lanes.whole(n); i += LANES) {
            a = product(x, w, i).fma(load(z, i).sub(m), a);
        }
        if (i < n) {
            VectorMask<Float> rest = Lanes.first(n - i);
            FloatVector last = load(x, i, rest).mul(FloatVector.fromArray(SPECIES, w, i)).mul(load(z, i, rest).sub(m));
            b = b.add(last, rest);
        }
        return Lanes.sum(a.add(b).add(c.add(d)));
    }

    private static FloatVector product(MemorySegment x, float[] w, int i) {
        return load(x, i).mul(FloatVector.fromArray(SPECIES, w, i));
    }

    private static FloatVector load(MemorySegment x, int i) {
        return FloatVector.fromMemorySegment(SPECIES, x, i * 4L, ORDER);
    }

    private static FloatVector load(MemorySegment x, int i, VectorMask<Float> mask) {
        return FloatVector.fromMemorySegment(SPECIES, x, i * 4L, ORDER, mask);
    }
}
