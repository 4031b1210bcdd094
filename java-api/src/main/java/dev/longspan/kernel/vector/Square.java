package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.LANES;
import static dev.longspan.kernel.vector.Lanes.ORDER;
import static dev.longspan.kernel.vector.Lanes.SPECIES;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;

/** Transposes squares of as many rows of 32-bit elements as a vector has lanes: halves, quarters and so on change places. */
final class Square {

    /** Bytes of a row. */
    static final long ROW_BYTES = 4L * LANES;
    static final long BYTES = ROW_BYTES * LANES;

    private static final VectorMask<Float> HALF = bit(LANES / 2);
    private static final VectorMask<Float> BIT_4 = bit(4);
    private static final VectorMask<Float> BIT_2 = bit(2);
    private static final VectorMask<Float> BIT_1 = bit(1);
    private static final VectorShuffle<Float> BY_HALF = exchange(LANES / 2);
    private static final VectorShuffle<Float> BY_4 = exchange(4);
    private static final VectorShuffle<Float> BY_2 = exchange(2);
    private static final VectorShuffle<Float> BY_1 = exchange(1);

    private Square() {
    }

    /** Rows lie {@code stride} bytes apart from byte {@code at} on; those from {@code rows} on are the last one again. */
    static void transpose(MemorySegment from, long at, long stride, int rows, MemorySegment to) {
        halves(from, at, stride, rows - 1, to);
        if (LANES > 8) {
            parts(to, 4, BIT_4, BY_4);
        }
        if (LANES > 4) {
            parts(to, 2, BIT_2, BY_2);
        }
        parts(to, 1, BIT_1, BY_1);
    }

    private static void halves(MemorySegment from, long at, long stride, int last, MemorySegment to) {
        for (int r = 0; r < LANES / 2; r++) {
            FloatVector a = FloatVector.fromMemorySegment(SPECIES, from, at + Math.min(r, last) * stride, ORDER);
            FloatVector b = FloatVector.fromMemorySegment(SPECIES, from, at + Math.min(r + LANES / 2, last) * stride, ORDER);
            a.blend(b.rearrange(BY_HALF), HALF).intoMemorySegment(to, r * ROW_BYTES, ORDER);
            a.rearrange(BY_HALF).blend(b, HALF).intoMemorySegment(to, (r + LANES / 2) * ROW_BYTES, ORDER);
        }
    }

    private static void parts(MemorySegment x, int size, VectorMask<Float> bit, VectorShuffle<Float> by) {
        for (int pair = 0; pair < LANES / 2; pair++) {
            int r = (pair & -size) * 2 + (pair & size - 1);
            FloatVector a = FloatVector.fromMemorySegment(SPECIES, x, r * ROW_BYTES, ORDER);
            FloatVector b = FloatVector.fromMemorySegment(SPECIES, x, (r + size) * ROW_BYTES, ORDER);
            a.blend(b.rearrange(by), bit).intoMemorySegment(x, r * ROW_BYTES, ORDER);
            a.rearrange(by).blend(b, bit).intoMemorySegment(x, (r + size) * ROW_BYTES, ORDER);
        }
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
