package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.SPECIES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/** Powers of two for softmax. */
final class Exp2 {

    static final float LOG2_E = 1.442695f;
    static final double LN_2 = 0.6931471805599453;

    /** {@code 1.5 · 2²³}: adding it rounds to an integer, which the low bits then hold. */
    private static final float ROUND = 12582912f;

    private Exp2() {
    }

    /**
     * {@code 2^-y} with a relative error of 8e-8, for y above -127. From 127 on it is exactly 0: a subnormal result
     * would slow every product that it enters. NaN stays NaN.
     */
    static FloatVector ofMinus(FloatVector y) {
        FloatVector limit = FloatVector.broadcast(SPECIES, 127f);
        return ofMinusBounded(y.blend(limit, y.compare(VectorOperators.GT, limit)));
    }

    /** {@code 2^-x} for x from -128, where it is infinite, to 127, where it is 0. */
    static FloatVector ofMinusBounded(FloatVector x) {
        FloatVector round = FloatVector.broadcast(SPECIES, ROUND);
        FloatVector exponent = round.sub(x);
        FloatVector r = x.add(exponent.sub(round)); // x = r - exponent, |r| <= 1/2
        // 2^-r by a polynomial of degree 6 whose greatest relative error is least, 2.0e-9: forward and backward take the
        // same weight from other arguments, and what they differ by is no gradient.
        FloatVector p = FloatVector.broadcast(SPECIES, 1.5353362e-4f)
                .fma(r, FloatVector.broadcast(SPECIES, -0.0013398875f));
        p = p.fma(r, FloatVector.broadcast(SPECIES, 0.009618437f));
        p = p.fma(r, FloatVector.broadcast(SPECIES, -0.055503324f));
        p = p.fma(r, FloatVector.broadcast(SPECIES, 0.24022648f));
        p = p.fma(r, FloatVector.broadcast(SPECIES, -0.6931472f));
        p = p.fma(r, FloatVector.broadcast(SPECIES, 1f));
        return p.reinterpretAsInts()
                .add(exponent.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23)).reinterpretAsFloats();
    }
}
