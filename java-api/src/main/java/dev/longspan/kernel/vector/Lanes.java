package dev.longspan.kernel.vector;

import java.nio.ByteOrder;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.Vector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/** The one vector species that all kernels of this package use, chosen when the class is loaded. */
final class Lanes {

    static final int BITS = VectorWidth.bits();
    static final VectorSpecies<Float> SPECIES = VectorSpecies.of(float.class, VectorShape.forBitSize(BITS));
    static final VectorSpecies<Integer> INTS = VectorSpecies.of(int.class, VectorShape.forBitSize(BITS));
    /** As wide as {@link #SPECIES}: vectors of another class, half as wide, would slow all kernels of the process. */
    static final VectorSpecies<Double> DOUBLES = VectorSpecies.of(double.class, VectorShape.forBitSize(BITS));
    static final VectorSpecies<Long> LONGS = VectorSpecies.of(long.class, VectorShape.forBitSize(BITS));
    static final int LANES = BITS / 32;
    static final ByteOrder ORDER = ByteOrder.nativeOrder();

    /**
     * The class of all vectors here. A loop's running value is cast to it before a method of its own is called: with vectors of
     * another width in the process the compiler would dispatch that call, and box the value.
     */
    static final Class<? extends Vector<Float>> TYPE = SPECIES.vectorType();

    /** 0, 1, 2, … */
    static final IntVector IOTA = IntVector.zero(INTS).addIndex(1);

    static {
        CompilerHints.add();
    }

    /** Lanes of two vectors in turns: of their first halves, and of their last. */
    private static final IntVector FIRST = turns(0);
    private static final IntVector LAST = turns(LANES / 2);
    private static final VectorShuffle<Float> BY_8 = rotation(8);
    private static final VectorShuffle<Float> BY_4 = rotation(4);
    private static final VectorShuffle<Float> BY_2 = rotation(2);
    private static final VectorShuffle<Float> BY_1 = rotation(1);

    private Lanes() {
    }

    private static IntVector turns(int from) {
        int[] lanes = new int[LANES];
        for (int lane = 0; lane < LANES; lane++) {
            lanes[lane] = from + lane / 2 + lane % 2 * LANES;
        }
        return IntVector.fromArray(INTS, lanes, 0);
    }

    private static VectorShuffle<Float> rotation(int by) {
        return VectorShuffle.fromOp(SPECIES, lane -> (lane + by) % LANES);
    }

    /** The largest multiple of the lane count that is at most {@code n}. */
    static int whole(int n) {
        return n & -LANES;
    }

    /** The first {@code count} lanes; all of them from LANES on, none for 0 or less. */
    static VectorMask<Float> first(int count) {
        return IOTA.compare(VectorOperators.LT, count).cast(SPECIES);
    }

    /** The lower (0) or upper (1) half of the lanes in double. */
    static DoubleVector half(FloatVector v, int part) {
        return (DoubleVector) v.convertShape(VectorOperators.F2D, DOUBLES, part);
    }

    /** The first LANES of twice as many bfloat16 elements as floats, whose upper bits they are. */
    static FloatVector firstWidened(IntVector pairs) {
        return first(even(pairs), odd(pairs));
    }

    /** The other LANES. */
    static FloatVector lastWidened(IntVector pairs) {
        return last(even(pairs), odd(pairs));
    }

    static FloatVector first(IntVector even, IntVector odd) {
        return FIRST.selectFrom(even, odd).reinterpretAsFloats();
    }

    static FloatVector last(IntVector even, IntVector odd) {
        return LAST.selectFrom(even, odd).reinterpretAsFloats();
    }

    static IntVector even(IntVector pairs) {
        return pairs.lanewise(VectorOperators.LSHL, 16);
    }

    static IntVector odd(IntVector pairs) {
        return pairs.and(0xFFFF0000);
    }

    /** Two halves as {@link #half} gives them, rounded. */
    static FloatVector floats(DoubleVector low, DoubleVector high) {
        return ((FloatVector) low.convertShape(VectorOperators.D2F, SPECIES, 0))
                .add((FloatVector) high.convertShape(VectorOperators.D2F, SPECIES, -1));
    }

    /** Sum over the lanes, halves on halves: the compilers of one JVM disagree on the order of {@code reduceLanes}. */
    static float sum(FloatVector v) {
        FloatVector s = v;
        if (LANES > 8) {
            s = s.add(s.rearrange(BY_8));
        }
        if (LANES > 4) {
            s = s.add(s.rearrange(BY_4));
        }
        s = s.add(s.rearrange(BY_2));
        return s.add(s.rearrange(BY_1)).lane(0);
    }

    /** Lane by lane the larger one; NaN in {@code b} is ignored. {@link FloatVector#max} costs twice as much. */
    static FloatVector max(FloatVector a, FloatVector b) {
        return ((FloatVector) TYPE.cast(a)).blend(b, b.compare(VectorOperators.GT, a));
    }
}
