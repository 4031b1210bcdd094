package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.LANES;
import static dev.longspan.kernel.vector.Lanes.SPECIES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;

/** {@code to[at + c · width + r] = from[start + r · stride + c]}: rows become columns of a packed panel. */
final class Interleave {

    private static final VectorMask<Float> HALF = bit(LANES / 2);
    private static final VectorMask<Float> QUARTER = bit(LANES / 4);
    private static final VectorMask<Float> BIT_2 = bit(2);
    private static final VectorMask<Float> BIT_1 = bit(1);
    private static final VectorShuffle<Float> BY_HALF = exchange(LANES / 2);
    private static final VectorShuffle<Float> BY_QUARTER = exchange(LANES / 4);
    private static final VectorShuffle<Float> BY_2 = exchange(2);
    private static final VectorShuffle<Float> BY_1 = exchange(1);

    private Interleave() {
    }

    /** Any number of rows and columns, one element after the other. */
    static void elements(float[] from, int start, int stride, int rows, int cols, int width, float[] to, int at) {
        int r = 0;
        for (; r <= rows - 4; r += 4) {
            int s0 = start + r * stride;
            int s1 = s0 + stride;
            int s2 = s1 + stride;
            int s3 = s2 + stride;
            int t = at + r;
            for (int c = 0; c < cols; c++, t += width) {
                to[t] = from[s0 + c];
                to[t + 1] = from[s1 + c];
                to[t + 2] = from[s2 + c];
                to[t + 3] = from[s3 + c];
            }
        }
        for (; r < rows; r++) {
            for (int c = 0; c < cols; c++) {
                to[at + c * width + r] = from[start + r * stride + c];
            }
        }
    }

    /**
     * A square of {@link Lanes#LANES} rows and columns, by way of as many elements of {@code from} from {@code square} on: the
     * bits of rows' and columns' numbers change places two at a time. Columns are written in order, whole vectors of them.
     */
    static void square(float[] from, int start, int stride, int square, int width, float[] to, int at) {
        for (int r = 0; r < LANES / 4; r++) {
            FloatVector a = FloatVector.fromArray(SPECIES, from, start + r * stride);
            FloatVector b = FloatVector.fromArray(SPECIES, from, start + (r + LANES / 4) * stride);
            FloatVector c = FloatVector.fromArray(SPECIES, from, start + (r + LANES / 2) * stride);
            FloatVector d = FloatVector.fromArray(SPECIES, from, start + (r + LANES / 4 * 3) * stride);
            FloatVector ac = upper(a, c, HALF, BY_HALF);
            FloatVector ca = lower(a, c, HALF, BY_HALF);
            FloatVector bd = upper(b, d, HALF, BY_HALF);
            FloatVector db = lower(b, d, HALF, BY_HALF);
            int kept = square + r * LANES;
            upper(ac, bd, QUARTER, BY_QUARTER).intoArray(from, kept);
            lower(ac, bd, QUARTER, BY_QUARTER).intoArray(from, kept + LANES / 4 * LANES);
            upper(ca, db, QUARTER, BY_QUARTER).intoArray(from, kept + LANES / 2 * LANES);
            lower(ca, db, QUARTER, BY_QUARTER).intoArray(from, kept + LANES / 4 * 3 * LANES);
        }
        for (int r = 0; r < LANES; r += 4) {
            int kept = square + r * LANES;
            FloatVector a = FloatVector.fromArray(SPECIES, from, kept);
            FloatVector b = FloatVector.fromArray(SPECIES, from, kept + LANES);
            FloatVector c = FloatVector.fromArray(SPECIES, from, kept + 2 * LANES);
            FloatVector d = FloatVector.fromArray(SPECIES, from, kept + 3 * LANES);
            // Of 16 lanes two bits are left, of 8 one, of 4 none.
            if (LANES == 16) {
                FloatVector ac = upper(a, c, BIT_2, BY_2);
                FloatVector bd = upper(b, d, BIT_2, BY_2);
                c = lower(a, c, BIT_2, BY_2);
                d = lower(b, d, BIT_2, BY_2);
                a = ac;
                b = bd;
            }
            int column = at + r * width;
            (LANES > 4 ? upper(a, b, BIT_1, BY_1) : a).intoArray(to, column);
            (LANES > 4 ? lower(a, b, BIT_1, BY_1) : b).intoArray(to, column + width);
            (LANES > 4 ? upper(c, d, BIT_1, BY_1) : c).intoArray(to, column + 2 * width);
            (LANES > 4 ? lower(c, d, BIT_1, BY_1) : d).intoArray(to, column + 3 * width);
        }
    }

    private static FloatVector upper(FloatVector a, FloatVector b, VectorMask<Float> bit, VectorShuffle<Float> by) {
        return a.blend(b.rearrange(by), bit);
    }

    private static FloatVector lower(FloatVector a, FloatVector b, VectorMask<Float> bit, VectorShuffle<Float> by) {
        return a.rearrange(by).blend(b, bit);
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
