package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.LANES;
import static dev.longspan.kernel.vector.Lanes.SPECIES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;

/** Sums over the lanes of two vectors in one tree: after the first fold each has a half of one vector. */
final class PairSums {

    private static final int HALF = LANES / 2;
    private static final VectorMask<Float> UPPER = VectorMask.fromLong(SPECIES, (1L << LANES) - (1L << HALF));
    private static final VectorShuffle<Float> ACROSS = exchange(HALF);
    private static final VectorShuffle<Float> BY_4 = exchange(4);
    private static final VectorShuffle<Float> BY_2 = exchange(2);
    private static final VectorShuffle<Float> BY_1 = exchange(1);

    private PairSums() {
    }

    /** Sums of a and b, to be read with {@link #first} and {@link #second}; takes LANES floats from {@code at} on. */
    static void store(FloatVector a, FloatVector b, float[] to, int at) {
        FloatVector s = a.add(a.rearrange(ACROSS)).blend(b.add(b.rearrange(ACROSS)), UPPER);
        if (HALF > 4) {
            s = s.add(s.rearrange(BY_4));
        }
        if (HALF > 2) {
            s = s.add(s.rearrange(BY_2));
        }
        s.add(s.rearrange(BY_1)).intoArray(to, at);
    }

    static float first(float[] from, int at) {
        return from[at];
    }

    static float second(float[] from, int at) {
        return from[at + HALF];
    }

    private static VectorShuffle<Float> exchange(int by) {
        return VectorShuffle.fromOp(SPECIES, i -> i ^ by % LANES);
    }
}
