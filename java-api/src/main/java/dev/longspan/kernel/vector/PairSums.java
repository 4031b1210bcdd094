package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.LANES;
import static dev.longspan.kernel.vector.Lanes.SPECIES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;

/**
 * Sums over the lanes of many pairs of vectors: a step adds the halves of two vectors into one, until a vector has a pair a
 * lane. Each sum is the same tree of additions, wherever its pair lies.
 */
final class PairSums {

    /** Pairs that are summed at once. */
    static final int HALF = LANES / 2;

    private static final VectorMask<Float> BIT_8 = bit(8);
    private static final VectorMask<Float> BIT_4 = bit(4);
    private static final VectorMask<Float> BIT_2 = bit(2);
    private static final VectorMask<Float> BIT_1 = bit(1);
    private static final VectorShuffle<Float> BY_8 = exchange(8);
    private static final VectorShuffle<Float> BY_4 = exchange(4);
    private static final VectorShuffle<Float> BY_2 = exchange(2);
    private static final VectorShuffle<Float> BY_1 = exchange(1);

    private PairSums() {
    }

    /** Floats that {@code pairs} take. */
    static int length(int pairs) {
        return Math.ceilDiv(pairs, HALF) * HALF * LANES;
    }

    /** Pair number {@code pair}: its first step, a in the lower half. */
    static void store(FloatVector a, FloatVector b, float[] to, int pair) {
        FloatVector s = LANES == 16 ? by8(a, b) : LANES == 8 ? by4(a, b) : by2(a, b);
        s.intoArray(to, pair * LANES);
    }

    /** {@code first[i] = Σ a, second[i] = Σ b} of pairs i below {@code pairs}, a multiple of {@link #HALF}. */
    static void sum(int pairs, float[] from, float[] first, float[] second) {
        for (int pair = 0; pair < pairs; pair += HALF) {
            FloatVector s = LANES == 16 ? eight(from, pair * LANES) : LANES == 8 ? four(from, pair * LANES)
                    : by1(load(from, pair * LANES, 0), load(from, pair * LANES, 1));
            // The second store's upper half is overwritten by the next pairs or lies behind them.
            s.intoArray(first, pair);
            s.rearrange(LANES == 16 ? BY_8 : LANES == 8 ? BY_4 : BY_2).intoArray(second, pair);
        }
    }

    /** Floats of a row of sums: what {@link #sum} writes. */
    static int sums(int pairs) {
        return pairs + HALF;
    }

    private static FloatVector eight(float[] from, int at) {
        FloatVector even = by2(by4(load(from, at, 0), load(from, at, 4)), by4(load(from, at, 2), load(from, at, 6)));
        FloatVector odd = by2(by4(load(from, at, 1), load(from, at, 5)), by4(load(from, at, 3), load(from, at, 7)));
        return by1(even, odd);
    }

    private static FloatVector four(float[] from, int at) {
        return by1(by2(load(from, at, 0), load(from, at, 2)), by2(load(from, at, 1), load(from, at, 3)));
    }

    /** Lanes with a bit of 8 unset are a's sums, the others b's. */
    private static FloatVector by8(FloatVector a, FloatVector b) {
        return a.blend(b, BIT_8).add(b.blend(a, BIT_8).rearrange(BY_8));
    }

    private static FloatVector by4(FloatVector a, FloatVector b) {
        return a.blend(b, BIT_4).add(b.blend(a, BIT_4).rearrange(BY_4));
    }

    private static FloatVector by2(FloatVector a, FloatVector b) {
        return a.blend(b, BIT_2).add(b.blend(a, BIT_2).rearrange(BY_2));
    }

    private static FloatVector by1(FloatVector a, FloatVector b) {
        return a.blend(b, BIT_1).add(b.blend(a, BIT_1).rearrange(BY_1));
    }

    private static FloatVector load(float[] from, int at, int vector) {
        return FloatVector.fromArray(SPECIES, from, at + vector * LANES);
    }

    private static VectorMask<Float> bit(int bit) {
        long lanes = 0;
        for (int lane = 0; lane < LANES; lane++) {
            lanes |= (lane & bit) == 0 ? 0 : 1L << lane;
        }
        return VectorMask.fromLong(SPECIES, lanes);
    }

    private static VectorShuffle<Float> exchange(int by) {
        return VectorShuffle.fromOp(SPECIES, lane -> (lane ^ by) % LANES);
    }
}
