package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.INTS;
import static dev.longspan.kernel.vector.Lanes.LANES;
import static dev.longspan.kernel.vector.Lanes.ORDER;
import static dev.longspan.kernel.vector.Lanes.SPECIES;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Inner products with weights that are read from memory, of {@value #ROWS} rows at once: memory gives so many streams up to twice
 * what it gives one. The lanes of a row take their terms in chains of {@value VectorGemm#CHAIN}, which are added up in order, then
 * the lanes in a fixed order. Weights in bfloat16 give the bits of the same weights in float32.
 */
final class Dots {

    static final int ROWS = 4;
    /** Terms of a chain of each lane. */
    private static final int CHAIN = VectorGemm.CHAIN * LANES;

    private Dots() {
    }

    /**
     * {@code to[o + r · apart] = Σ w · a[ao + k]} over the n float32 weights from byte {@code at + r · stride} on. With strides of 0
     * it is one row.
     */
    static void floats(MemorySegment w, long at, long stride, float[] a, int ao, int n, float[] to, int o, int apart) {
        long at1 = at + stride;
        long at2 = at1 + stride;
        long at3 = at2 + stride;
        FloatVector sum0 = FloatVector.zero(SPECIES);
        FloatVector sum1 = sum0;
        FloatVector sum2 = sum0;
        FloatVector sum3 = sum0;
        int whole = whole(n);
        for (int k = 0; k < whole;) {
            FloatVector s0 = FloatVector.zero(SPECIES);
            FloatVector s1 = s0;
            FloatVector s2 = s0;
            FloatVector s3 = s0;
            for (int end = Math.min(whole, k + CHAIN); k < end; k += LANES) {
                FloatVector x = load(a, ao + k);
                s0 = load(w, at, k).fma(x, s0);
                s1 = load(w, at1, k).fma(x, s1);
                s2 = load(w, at2, k).fma(x, s2);
                s3 = load(w, at3, k).fma(x, s3);
            }
            sum0 = sum0.add(s0);
            sum1 = sum1.add(s1);
            sum2 = sum2.add(s2);
            sum3 = sum3.add(s3);
        }
        to[o] = rest(Lanes.sum(sum0), w, false, at / 4, a, ao, whole, n);
        to[o + apart] = rest(Lanes.sum(sum1), w, false, at1 / 4, a, ao, whole, n);
        to[o + 2 * apart] = rest(Lanes.sum(sum2), w, false, at2 / 4, a, ao, whole, n);
        to[o + 3 * apart] = rest(Lanes.sum(sum3), w, false, at3 / 4, a, ao, whole, n);
    }

    /** As {@link #floats}, of bfloat16 weights. */
    static void halves(MemorySegment w, long at, long stride, float[] a, int ao, int n, float[] to, int o, int apart) {
        long at1 = at + stride;
        long at2 = at1 + stride;
        long at3 = at2 + stride;
        FloatVector sum0 = FloatVector.zero(SPECIES);
        FloatVector sum1 = sum0;
        FloatVector sum2 = sum0;
        FloatVector sum3 = sum0;
        int whole = whole(n);
        for (int k = 0; k < whole;) {
            FloatVector s0 = FloatVector.zero(SPECIES);
            FloatVector s1 = s0;
            FloatVector s2 = s0;
            FloatVector s3 = s0;
            for (int end = Math.min(whole, k + CHAIN); k < end; k += 2 * LANES) {
                FloatVector x = load(a, ao + k);
                FloatVector y = load(a, ao + k + LANES);
                IntVector p0 = pairs(w, at, k);
                IntVector p1 = pairs(w, at1, k);
                IntVector p2 = pairs(w, at2, k);
                IntVector p3 = pairs(w, at3, k);
                s0 = Lanes.lastWidened(p0).fma(y, Lanes.firstWidened(p0).fma(x, s0));
                s1 = Lanes.lastWidened(p1).fma(y, Lanes.firstWidened(p1).fma(x, s1));
                s2 = Lanes.lastWidened(p2).fma(y, Lanes.firstWidened(p2).fma(x, s2));
                s3 = Lanes.lastWidened(p3).fma(y, Lanes.firstWidened(p3).fma(x, s3));
            }
            sum0 = sum0.add(s0);
            sum1 = sum1.add(s1);
            sum2 = sum2.add(s2);
            sum3 = sum3.add(s3);
        }
        to[o] = rest(Lanes.sum(sum0), w, true, at / 2, a, ao, whole, n);
        to[o + apart] = rest(Lanes.sum(sum1), w, true, at1 / 2, a, ao, whole, n);
        to[o + 2 * apart] = rest(Lanes.sum(sum2), w, true, at2 / 2, a, ao, whole, n);
        to[o + 3 * apart] = rest(Lanes.sum(sum3), w, true, at3 / 2, a, ao, whole, n);
    }

    /** Terms that vectors of pairs take. */
    private static int whole(int n) {
        return n / (2 * LANES) * (2 * LANES);
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
