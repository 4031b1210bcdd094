package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.SPECIES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * Elementary functions of a vector, within about a unit in the last place. NaN stays NaN, infinities give limits, and a
 * result too small for a normal float is 0: subnormal operands would cost a hundred cycles each.
 */
final class VectorMath {

    /** Largest float whose exponential is finite. */
    static final float EXP_HIGHEST = 88.72283f;
    /** Smallest float whose exponential is a normal float: ln 2⁻¹²⁶. */
    static final float EXP_LOWEST = -87.33654f;

    /** From here on {@code 1 + e⁻ˣ} is finite, before it {@code x e⁻ˣ} hardly a normal float. */
    static final float MINUS_LOWEST = -88.37f;

    /** Of the float 1. */
    private static final int ONE_BITS = 0x3F800000;
    private static final float LOG2_E = 1.442695f;
    /** Adding it leaves the nearest integer in the low bits: 1.5 · 2²³. */
    private static final float ROUNDER = 0x1.8p23f;
    /** ln 2 in two parts; the first has 16 bits, so that its product with an exponent is exact. */
    private static final float LN2_HIGH = 0.69314575f;
    private static final float LN2_LOW = 1.4286068e-6f;

    // Minimax polynomials for the relative error of the result, fitted by reweighted least squares.
    /** {@code (eʳ − 1 − r) / r²} on ±ln 2 / 2, relative error of the exponential 2⁻²⁸. */
    private static final float EXP_0 = 0.49999994f;
    private static final float EXP_1 = 0.1666652f;
    private static final float EXP_2 = 0.041668393f;
    private static final float EXP_3 = 0.008368781f;
    private static final float EXP_4 = 0.0013814467f;

    /** Largest square whose bell is a normal float. */
    private static final float BELL_END = -2 * EXP_LOWEST;

    private static final float TANH_SMALL = 0.55f * 0.55f;
    /** {@code (tanh x − x) / x³} in x² up to {@link #TANH_SMALL}. */
    private static final float TANH_0 = -0.33333316f;
    private static final float TANH_1 = 0.13332586f;
    private static final float TANH_2 = -0.05385231f;
    private static final float TANH_3 = 0.021071678f;
    private static final float TANH_4 = -0.006274239f;

    /** Centre of the map {@code t = (a − 4) / (a + 4)}. */
    private static final float TAIL_CENTRE = 4;
    /** {@code e^(a²/2) Φ(−a) (a + 4)} in t. */
    private static final float TAIL_0 = 0.75528514f;
    private static final float TAIL_1 = -0.60789657f;
    private static final float TAIL_2 = 0.3871369f;
    private static final float TAIL_3 = -0.18652344f;
    private static final float TAIL_4 = 0.06040383f;
    private static final float TAIL_5 = -0.0075252713f;
    private static final float TAIL_6 = -0.0035125539f;
    private static final float TAIL_7 = 0.0015699235f;
    private static final float TAIL_8 = 0.00017935413f;
    private static final float TAIL_9 = -0.00013197186f;

    private VectorMath() {
    }

    /** {@code eˣ = 2ⁿ eʳ} with n the nearest integer to x / ln 2. */
    static FloatVector exp(FloatVector x) {
        FloatVector shifted = x.fma(broadcast(LOG2_E), broadcast(ROUNDER));
        FloatVector n = shifted.sub(ROUNDER);
        FloatVector high = n.fma(broadcast(-LN2_HIGH), x);
        FloatVector r = n.fma(broadcast(-LN2_LOW), high);
        FloatVector lost = n.fma(broadcast(-LN2_LOW), high.sub(r));
        FloatVector q = r.fma(broadcast(EXP_4), broadcast(EXP_3)).fma(r, broadcast(EXP_2)).fma(r, broadcast(EXP_1))
                .fma(r, broadcast(EXP_0));
        FloatVector p = q.fma(r.mul(r), lost).add(r).add(1);
        // The integer add reaches 2¹²⁸, which a factor could not.
        FloatVector scaled = p.viewAsIntegralLanes()
                .add(shifted.viewAsIntegralLanes().lanewise(VectorOperators.LSHL, 23)).viewAsFloatingLanes();
        VectorMask<Float> finite = x.compare(VectorOperators.LE, EXP_HIGHEST);
        return x.mul(Float.POSITIVE_INFINITY).blend(scaled, finite)
                .blend(0f, x.compare(VectorOperators.LT, EXP_LOWEST));
    }

    /** {@code e⁻ˣ} for x not below {@value #MINUS_LOWEST}: cheaper than {@link #exp}, since nothing overflows. 0 beyond −ln 2⁻¹²⁶. */
    static FloatVector expOfMinus(FloatVector x) {
        FloatVector shifted = x.fma(broadcast(-LOG2_E), broadcast(ROUNDER));
        FloatVector n = shifted.sub(ROUNDER);
        FloatVector r = n.fma(broadcast(LN2_LOW), n.fma(broadcast(LN2_HIGH), x));
        return scaledExpOfMinus(shifted, r).blend(0f, x.compare(VectorOperators.GT, -EXP_LOWEST));
    }

    /** {@code 2ⁿ e⁻ʳ} with n in the low bits of {@code shifted}. A product, so that NaN stays NaN. */
    private static FloatVector scaledExpOfMinus(FloatVector shifted, FloatVector r) {
        FloatVector q = r.fma(broadcast(EXP_4), broadcast(-EXP_3)).fma(r, broadcast(EXP_2)).fma(r, broadcast(-EXP_1))
                .fma(r, broadcast(EXP_0));
        FloatVector scale = shifted.viewAsIntegralLanes().lanewise(VectorOperators.LSHL, 23).add(ONE_BITS)
                .viewAsFloatingLanes();
        return q.fma(r, broadcast(-1)).fma(r, broadcast(1)).mul(scale);
    }

    /** {@code 1 / (1 + e⁻ˣ)}. */
    static FloatVector sigmoid(FloatVector x) {
        return broadcast(1).div(expOfMinus(x).add(1)).blend(0f, x.compare(VectorOperators.LT, EXP_LOWEST));
    }

    /** {@code x / (1 + e⁻ˣ)}; below {@value #MINUS_LOWEST} 0, or NaN if x is infinite. */
    static FloatVector silu(FloatVector x) {
        FloatVector c = bounded(x, -89, 64);
        FloatVector shifted = c.fma(broadcast(-LOG2_E), broadcast(ROUNDER));
        FloatVector n = shifted.sub(ROUNDER);
        FloatVector r = n.fma(broadcast(LN2_LOW), n.fma(broadcast(LN2_HIGH), c));
        return x.div(scaledExpOfMinus(shifted, r).add(1));
    }

    /** {@code x / (1 + 2⁻ʸ)}; for y below -127.5 0, or NaN if x is infinite. NaN is whatever x is. */
    static FloatVector timesLogistic(FloatVector x, FloatVector y) {
        return x.div(Exp2.ofMinusBounded(bounded(y, -128, 64)).add(1));
    }

    /**
     * x, but at least {@code lowest} (negative) and at most {@code highest} (positive); NaN becomes one of them. By the order of
     * the bits: two instructions, where comparisons and blends are four and {@link FloatVector#max} is more.
     */
    private static FloatVector bounded(FloatVector x, float lowest, float highest) {
        return x.viewAsIntegralLanes().lanewise(VectorOperators.MIN, Float.floatToIntBits(highest))
                .lanewise(VectorOperators.UMIN, Float.floatToIntBits(lowest)).viewAsFloatingLanes();
    }

    /** {@code tanh x}, given {@code e = e^−2|x|}: an odd polynomial near 0, otherwise {@code 1 − 2e / (1 + e)} with the sign of x. */
    static FloatVector tanh(FloatVector x, FloatVector e) {
        FloatVector z = x.mul(x);
        FloatVector p = z.fma(broadcast(TANH_4), broadcast(TANH_3)).fma(z, broadcast(TANH_2)).fma(z, broadcast(TANH_1))
                .fma(z, broadcast(TANH_0));
        FloatVector small = p.fma(z.mul(x), x);
        FloatVector large = broadcast(1).sub(e.add(e).div(e.add(1)));
        return large.blend(large.neg(), x.compare(VectorOperators.LT, 0f))
                .blend(small, z.compare(VectorOperators.LT, TANH_SMALL));
    }

    /** {@code e^(−x²/2)}; x² is taken in two parts, since its rounding error would grow with it. */
    static FloatVector bell(FloatVector x) {
        FloatVector high = x.mul(x);
        FloatVector low = x.fma(x, high.neg());
        FloatVector shifted = high.fma(broadcast(-LOG2_E / 2), broadcast(ROUNDER));
        FloatVector n = shifted.sub(ROUNDER);
        FloatVector twice = n.fma(broadcast(2 * LN2_LOW), n.fma(broadcast(2 * LN2_HIGH), high)).add(low);
        return scaledExpOfMinus(shifted, twice.mul(0.5f)).blend(0f, high.compare(VectorOperators.GT, BELL_END));
    }

    /** The normal distribution {@code Φ(x)}, given {@link #bell} of x; relative accuracy also in the left tail. */
    static FloatVector normalCdf(FloatVector x, FloatVector bell) {
        FloatVector q = broadcast(1).div(x.abs().add(TAIL_CENTRE));
        FloatVector t = q.fma(broadcast(-2 * TAIL_CENTRE), broadcast(1));
        FloatVector p = t.fma(broadcast(TAIL_9), broadcast(TAIL_8)).fma(t, broadcast(TAIL_7)).fma(t, broadcast(TAIL_6))
                .fma(t, broadcast(TAIL_5)).fma(t, broadcast(TAIL_4)).fma(t, broadcast(TAIL_3)).fma(t, broadcast(TAIL_2))
                .fma(t, broadcast(TAIL_1)).fma(t, broadcast(TAIL_0));
        FloatVector tail = p.mul(q).mul(bell);
        return tail.blend(broadcast(1).sub(tail), x.compare(VectorOperators.GT, 0f));
    }

    private static FloatVector broadcast(float value) {
        return FloatVector.broadcast(SPECIES, value);
    }
}
