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
     * {@code 2^-y} with a relative error of 2.1e-7, for y above -127. From 127 on it is exactly 0: a subnormal result
     * would slow every product that it enters. NaN stays NaN.
     */
    static FloatVector ofMinus(FloatVector y) {
        FloatVector limit = FloatVector.broadcast(SPECIES, 127f);
        FloatVector x = y.blend(limit, y.compare(VectorOperators.GT, limit));
        FloatVector round = FloatVector.broadcast(SPECIES, ROUND);
        FloatVector exponent = round.sub(x);
        FloatVector r = x.add(exponent.sub(round)); // y = r - exponent, |r| <= 1/2
        // 2^-r by a polynomial of degree 5 whose greatest relative error is least, 9.2e-8 (Remez).
        FloatVector p = FloatVector.broadcast(SPECIES, -0.0013264727f)
                .fma(r, FloatVector.broadcast(SPECIES, 0.009671513f));
        p = p.fma(r, FloatVector.broadcast(SPECIES, -0.055507336f));
        p = p.fma(r, FloatVector.broadcast(SPECIES, 0.24022242f));
        p = p.fma(r, FloatVector.broadcast(SPECIES, -0.693147f));
        p = p.fma(r, FloatVector.broadcast(SPECIES, 1f));
        return p.reinterpretAsInts()
                .add(exponent.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23)).reinterpretAsFloats();
    }
}
