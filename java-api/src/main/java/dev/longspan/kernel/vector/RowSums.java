package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.LANES;
import static dev.longspan.kernel.vector.Lanes.ORDER;
import static dev.longspan.kernel.vector.Lanes.SPECIES;

import dev.longspan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/** Sums and maxima over a row: up to four vectors of them (an addition takes four cycles), then the lanes in a fixed order. */
final class RowSums {

    private static final int STEP = 4 * LANES;

    private RowSums() {
    }

    /** {@code Σ x}. */
    static float sum(Tensor tensor, long from, int n) {
        MemorySegment x = Floats.range(tensor, from, n);
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
    static float squares(Tensor tensor, long from, float m, int n) {
        MemorySegment x = Floats.range(tensor, from, n);
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

    /** Over the lanes of the first vector in {@code to} {@code Σ x ⊙ w}, of the second {@code Σ x ⊙ w ⊙ (z − m)}. */
    static void dots(Tensor rows, long at, MemorySegment weights, long wAt, Tensor others, float m, int n, float[] to) {
        MemorySegment x = Floats.range(rows, at, n);
        MemorySegment w = Floats.range(weights, wAt, n);
        MemorySegment z = Floats.range(others, at, n);
        FloatVector a = FloatVector.zero(SPECIES);
        FloatVector b = a;
        FloatVector c = a;
        FloatVector d = a;
        int i = 0;
        for (; i <= n - 2 * LANES; i += 2 * LANES) {
            FloatVector p0 = load(x, i).mul(load(w, i));
            FloatVector p1 = load(x, i + LANES).mul(load(w, i + LANES));
            a = a.add(p0);
            b = b.add(p1);
            c = p0.fma(load(z, i).sub(m), c);
            d = p1.fma(load(z, i + LANES).sub(m), d);
        }
        a.add(b).intoArray(to, 0);
        c.add(d).intoArray(to, LANES);
        if (i < n) {
            addDots(rows, at, weights, wAt, others, m, i, n, to);
        }
    }

    /** The same from {@code from} on, onto what is in {@code to}. */
    private static void addDots(Tensor rows, long at, MemorySegment weights, long wAt, Tensor others, float m, int from, int n,
            float[] to) {
        MemorySegment x = Floats.range(rows, at, n);
        MemorySegment w = Floats.range(weights, wAt, n);
        MemorySegment z = Floats.range(others, at, n);
        for (int i = from; i < n; i += LANES) {
            VectorMask<Float> in = Lanes.first(n - i);
            FloatVector p = load(x, i, in).mul(load(w, i, in));
            p.add(FloatVector.fromArray(SPECIES, to, 0)).intoArray(to, 0);
            p.fma(load(z, i, in).sub(m), FloatVector.fromArray(SPECIES, to, LANES)).intoArray(to, LANES);
        }
    }

    /** The largest element, NaN ignored: a sum brings it back. */
    static float max(MemorySegment memory, long row, int n, float[] lanes) {
        MemorySegment x = Floats.range(memory, row, n);
        FloatVector a = FloatVector.broadcast(SPECIES, Float.NEGATIVE_INFINITY);
        FloatVector b = a;
        FloatVector c = a;
        FloatVector d = a;
        int i = 0;
        for (; i <= n - STEP; i += STEP) {
            a = Lanes.max(a, load(x, i));
            b = Lanes.max(b, load(x, i + LANES));
            c = Lanes.max(c, load(x, i + 2 * LANES));
            d = Lanes.max(d, load(x, i + 3 * LANES));
        }
        for (; i < Lanes.whole(n); i += LANES) {
            a = Lanes.max(a, load(x, i));
        }
        if (i < n) {
            VectorMask<Float> rest = Lanes.first(n - i);
            b = b.blend(Lanes.max(b, load(x, i, rest)), rest);
        }
        Lanes.max(Lanes.max(a, b), Lanes.max(c, d)).intoArray(lanes, 0);
        float max = lanes[0]; // a reduction by MAX takes 34 cycles
        for (int lane = 1; lane < LANES; lane++) {
            max = lanes[lane] > max ? lanes[lane] : max;
        }
        return max;
    }

    /** {@code Σ x ⊙ z}. */
    static float dot(MemorySegment x, MemorySegment z, int n) {
        FloatVector a = FloatVector.zero(SPECIES);
        FloatVector b = a;
        int i = 0;
        for (; i <= n - 2 * LANES; i += 2 * LANES) {
            a = load(x, i).fma(load(z, i), a);
            b = load(x, i + LANES).fma(load(z, i + LANES), b);
        }
        float rest = i < n ? dotFrom(x, z, i, n) : 0;
        return Lanes.sum(a.add(b)) + rest;
    }

    private static float dotFrom(MemorySegment x, MemorySegment z, int from, int n) {
        float sum = 0;
        for (int i = from; i < n; i += LANES) {
            VectorMask<Float> in = Lanes.first(n - i);
            sum += Lanes.sum(load(x, i, in).mul(load(z, i, in)));
        }
        return sum;
    }

    private static FloatVector load(MemorySegment x, int i) {
        return FloatVector.fromMemorySegment(SPECIES, x, i * 4L, ORDER);
    }

    private static FloatVector load(MemorySegment x, int i, VectorMask<Float> mask) {
        return FloatVector.fromMemorySegment(SPECIES, x, i * 4L, ORDER, mask);
    }
}
