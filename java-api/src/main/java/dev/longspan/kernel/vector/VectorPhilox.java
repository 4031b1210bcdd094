package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.LANES;
import static dev.longspan.kernel.vector.Lanes.LONGS;
import static dev.longspan.kernel.vector.Lanes.ORDER;

import dev.longspan.kernel.Philox;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorOperators;

/** {@link Philox}'s numbers of neighbouring counters: a vector of even and one of odd counters, a lane of 64 bits each. */
final class VectorPhilox {

    private static final long LOW = 0xFFFFFFFFL;
    /** 0, 2, 4, … */
    private static final LongVector EVEN = LongVector.zero(LONGS).addIndex(2);

    private VectorPhilox() {
    }

    /**
     * {@code to[i] = Philox.bits(key, stream, first + i) >>> 32} as ints for i below n, rounded up to whole vectors. Rounds
     * take the lower halves of lanes; what is left in the upper ones does no harm.
     */
    static void upperBits(long key, long stream, long first, int n, MemorySegment to) {
        for (int i = 0; i < n; i += LANES) {
            LongVector a0 = EVEN.add(first + i);
            LongVector b0 = EVEN.add(first + i + 1);
            LongVector a1 = a0.lanewise(VectorOperators.LSHR, 32);
            LongVector b1 = b0.lanewise(VectorOperators.LSHR, 32);
            LongVector a2 = LongVector.broadcast(LONGS, stream);
            LongVector b2 = a2;
            LongVector a3 = LongVector.broadcast(LONGS, stream >>> 32);
            LongVector b3 = a3;
            int k0 = (int) key;
            int k1 = (int) (key >>> 32);
            for (int round = 0; round < Philox.ROUNDS; round++) {
                LongVector p0 = a0.and(LOW).mul(Philox.MULTIPLIER_0);
                LongVector p1 = a2.and(LOW).mul(Philox.MULTIPLIER_1);
                LongVector q0 = b0.and(LOW).mul(Philox.MULTIPLIER_0);
                LongVector q1 = b2.and(LOW).mul(Philox.MULTIPLIER_1);
                a0 = p1.lanewise(VectorOperators.LSHR, 32).lanewise(VectorOperators.XOR, a1).lanewise(VectorOperators.XOR, k0);
                a2 = p0.lanewise(VectorOperators.LSHR, 32).lanewise(VectorOperators.XOR, a3).lanewise(VectorOperators.XOR, k1);
                b0 = q1.lanewise(VectorOperators.LSHR, 32).lanewise(VectorOperators.XOR, b1).lanewise(VectorOperators.XOR, k0);
                b2 = q0.lanewise(VectorOperators.LSHR, 32).lanewise(VectorOperators.XOR, b3).lanewise(VectorOperators.XOR, k1);
                a1 = p1;
                a3 = p0;
                b1 = q1;
                b3 = q0;
                k0 += Philox.WEYL_0;
                k1 += Philox.WEYL_1;
            }
            a0.and(LOW).or(b0.lanewise(VectorOperators.LSHL, 32)).intoMemorySegment(to, i * 4L, ORDER);
        }
    }
}
