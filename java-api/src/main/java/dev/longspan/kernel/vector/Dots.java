package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.INTS;
import static dev.longspan.kernel.vector.Lanes.LANES;
import static dev.longspan.kernel.vector.Lanes.ORDER;
import static dev.longspan.kernel.vector.Lanes.SPECIES;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Inner products with weights that are read from memory: four vectors of partial sums (a multiply-add takes four cycles), then
 * the lanes in a fixed order. Weights in bfloat16 give the bits of the same weights in float32.
 */
final class Dots {

    private static final int STEP = 4 * LANES;

    private Dots() {
    }

    /** {@code Σ w · a[ao + k]} over n float32 weights from byte {@code at} on. */
    static float floats(MemorySegment w, long at, float[] a, int ao, int n) {
        FloatVector s0 = FloatVector.zero(SPECIES);
        FloatVector s1 = s0;
        FloatVector s2 = s0;
        FloatVector s3 = s0;
        int k = 0;
        for (; k <= n - STEP; k += STEP) {
            s0 = load(w, at, k).fma(load(a, ao + k), s0);
            s1 = load(w, at, k + LANES).fma(load(a, ao + k + LANES), s1);
            s2 = load(w, at, k + 2 * LANES).fma(load(a, ao + k + 2 * LANES), s2);
            s3 = load(w, at, k + 3 * LANES).fma(load(a, ao + k + 3 * LANES), s3);
        }
        if (k <= n - 2 * LANES) {
            s0 = load(w, at, k).fma(load(a, ao + k), s0);
            s1 = load(w, at, k + LANES).fma(load(a, ao + k + LANES), s1);
            k += 2 * LANES;
        }
        return rest(Lanes.sum(s0.add(s1).add(s2.add(s3))), w, false, at / 4, a, ao, k, n);
    }

    /** As {@link #floats}, of bfloat16 weights. */
    static float halves(MemorySegment w, long at, float[] a, int ao, int n) {
        FloatVector s0 = FloatVector.zero(SPECIES);
        FloatVector s1 = s0;
        FloatVector s2 = s0;
        FloatVector s3 = s0;
        int k = 0;
        for (; k <= n - STEP; k += STEP) {
            IntVector p = pairs(w, at, k);
            IntVector q = pairs(w, at, k + 2 * LANES);
            s0 = Lanes.firstWidened(p).fma(load(a, ao + k), s0);
            s1 = Lanes.lastWidened(p).fma(load(a, ao + k + LANES), s1);
            s2 = Lanes.firstWidened(q).fma(load(a, ao + k + 2 * LANES), s2);
            s3 = Lanes.lastWidened(q).fma(load(a, ao + k + 3 * LANES), s3);
        }
        if (k <= n - 2 * LANES) {
            IntVector p = pairs(w, at, k);
            s0 = Lanes.firstWidened(p).fma(load(a, ao + k), s0);
            s1 = Lanes.lastWidened(p).fma(load(a, ao + k + LANES), s1);
            k += 2 * LANES;
        }
        return rest(Lanes.sum(s0.add(s1).add(s2.add(s3))), w, true, at / 2, a, ao, k, n);
    }

    /** Adds the terms from k on, too few for two vectors. */
    private static float rest(float sum, MemorySegment w, boolean half, long at, float[] a, int ao, int from, int n) {
        float s = sum;
        for (int k = from; k < n; k++) {
            s = Math.fma(Packing.get(w, half, at + k), a[ao + k], s);
        }
        return s;
    }

    private static IntVector pairs(MemorySegment w, long at, int k) {
        return IntVector.fromMemorySegment(INTS, w, at + k * 2L, ORDER);
    }

    private static FloatVector load(MemorySegment w, long at, int k) {
        return FloatVector.fromMemorySegment(SPECIES, w, at + k * 4L, ORDER);
    }

    private static FloatVector load(float[] a, int at) {
        return FloatVector.fromArray(SPECIES, a, at);
    }
}
