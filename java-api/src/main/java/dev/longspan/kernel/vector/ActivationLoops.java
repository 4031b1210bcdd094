package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.LANES;
import static dev.longspan.kernel.vector.Lanes.ORDER;
import static dev.longspan.kernel.vector.Lanes.SPECIES;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Loops over whole vectors for each activation, two where C2 would meet too many nodes: it then stops inlining, and boxes every
 * vector that the rest of the method computes. {@link CompilerHints} keeps them from being inlined into one method. A loop
 * takes its own slices of its operands: C2 then knows their class and their bounds, checks once and unrolls, and a vector takes
 * 28 instructions instead of 84 (SiLU).
 */
final class ActivationLoops {

    /** {@code √(8/π)}: {@code (1 + tanh u) / 2 = σ(2u)}, which does not cancel. */
    private static final float TANH_SCALE = (float) Math.sqrt(8 / Math.PI);
    private static final float TANH_CUBIC = 0.044715f;
    /** {@code 2u / ln 2} is a polynomial too, and a power of two needs no division by ln 2. */
    private static final float TANH_SCALE_LOG2 = (float) (Math.sqrt(8 / Math.PI) / Math.log(2));
    private static final float TANH_CUBIC_LOG2 = (float) (0.044715 * Math.sqrt(8 / Math.PI) / Math.log(2));
    /** The sigmoid has long been 0 or 1 here, and the cube is finite. */
    private static final float TANH_END = 20;
    private static final float BELL_HEIGHT = (float) (1 / Math.sqrt(2 * Math.PI));

    private ActivationLoops() {
    }

    static void relu(MemorySegment xs, long xAt, MemorySegment ys, long yAt, int n) {
        MemorySegment x = Floats.range(xs, xAt, n);
        MemorySegment y = Floats.range(ys, yAt, n);
        for (int i = 0; i < n; i += LANES) {
            FloatVector v = load(x, i);
            store(v.blend(0f, v.compare(VectorOperators.LE, 0f)), y, i);
        }
    }

    static void reluSlope(MemorySegment xs, long xAt, MemorySegment ys, long yAt, int n) {
        MemorySegment x = Floats.range(xs, xAt, n);
        MemorySegment y = Floats.range(ys, yAt, n);
        for (int i = 0; i < n; i += LANES) {
            FloatVector v = load(x, i);
            store(FloatVector.zero(SPECIES).blend(1f, v.compare(VectorOperators.GT, 0f)), y, i);
        }
    }

    /** {@code y = e^(−x²/2)}. */
    static void bell(MemorySegment xs, long xAt, MemorySegment ys, long yAt, int n) {
        MemorySegment x = Floats.range(xs, xAt, n);
        MemorySegment y = Floats.range(ys, yAt, n);
        for (int i = 0; i < n; i += LANES) {
            store(VectorMath.bell(load(x, i)), y, i);
        }
    }

    static void gelu(MemorySegment xs, long xAt, MemorySegment bells, MemorySegment ys, long yAt, int n) {
        MemorySegment x = Floats.range(xs, xAt, n);
        MemorySegment bell = Floats.range(bells, 0, n);
        MemorySegment y = Floats.range(ys, yAt, n);
        for (int i = 0; i < n; i += LANES) {
            FloatVector v = load(x, i);
            store(v.mul(VectorMath.normalCdf(v, load(bell, i))), y, i);
        }
    }

    static void geluSlope(MemorySegment xs, long xAt, MemorySegment bells, MemorySegment ys, long yAt, int n) {
        MemorySegment x = Floats.range(xs, xAt, n);
        MemorySegment bell = Floats.range(bells, 0, n);
        MemorySegment y = Floats.range(ys, yAt, n);
        for (int i = 0; i < n; i += LANES) {
            FloatVector v = load(x, i);
            FloatVector b = load(bell, i);
            store(v.mul(b).fma(FloatVector.broadcast(SPECIES, BELL_HEIGHT), VectorMath.normalCdf(v, b)), y, i);
        }
    }

    static void geluTanh(MemorySegment xs, long xAt, MemorySegment ys, long yAt, int n) {
        MemorySegment x = Floats.range(xs, xAt, n);
        MemorySegment y = Floats.range(ys, yAt, n);
        for (int i = 0; i < n; i += LANES) {
            FloatVector v = load(x, i);
            FloatVector u = v.mul(v).fma(broadcast(TANH_CUBIC_LOG2), broadcast(TANH_SCALE_LOG2)).mul(v);
            store(VectorMath.timesLogistic(v, u), y, i);
        }
    }

    /** {@code y = σ(2u)}. */
    static void geluTanhSigmoid(MemorySegment xs, long xAt, MemorySegment ys, long yAt, int n) {
        MemorySegment x = Floats.range(xs, xAt, n);
        MemorySegment y = Floats.range(ys, yAt, n);
        for (int i = 0; i < n; i += LANES) {
            FloatVector v = load(x, i);
            FloatVector u = v.mul(v).fma(broadcast(TANH_CUBIC_LOG2), broadcast(TANH_SCALE_LOG2)).mul(v);
            store(VectorMath.timesLogistic(broadcast(1f), u), y, i);
        }
    }

    static void geluTanhSlope(MemorySegment xs, long xAt, MemorySegment sigmoids, MemorySegment ys, long yAt, int n) {
        MemorySegment x = Floats.range(xs, xAt, n);
        MemorySegment sigmoid = Floats.range(sigmoids, 0, n);
        MemorySegment y = Floats.range(ys, yAt, n);
        for (int i = 0; i < n; i += LANES) {
            FloatVector v = load(x, i);
            FloatVector s = load(sigmoid, i);
            FloatVector c = bounded(v);
            FloatVector du = c.mul(c).mul(TANH_CUBIC * 3).add(1f).mul(TANH_SCALE);
            store(v.mul(s.mul(FloatVector.broadcast(SPECIES, 1f).sub(s))).fma(du, s), y, i);
        }
    }

    private static FloatVector bounded(FloatVector v) {
        FloatVector c = v.blend(TANH_END, v.compare(VectorOperators.GT, TANH_END));
        return c.blend(-TANH_END, c.compare(VectorOperators.LT, -TANH_END));
    }

    static void silu(MemorySegment xs, long xAt, MemorySegment ys, long yAt, int n) {
        MemorySegment x = Floats.range(xs, xAt, n);
        MemorySegment y = Floats.range(ys, yAt, n);
        for (int i = 0; i < n; i += LANES) {
            store(VectorMath.silu(load(x, i)), y, i);
        }
    }

    static void siluSlope(MemorySegment xs, long xAt, MemorySegment ys, long yAt, int n) {
        MemorySegment x = Floats.range(xs, xAt, n);
        MemorySegment y = Floats.range(ys, yAt, n);
        for (int i = 0; i < n; i += LANES) {
            FloatVector v = load(x, i);
            FloatVector s = VectorMath.sigmoid(v);
            store(v.mul(FloatVector.broadcast(SPECIES, 1f).sub(s)).add(1f).mul(s), y, i);
        }
    }

    /** {@code y = e^−2|x|}. */
    static void fall(MemorySegment xs, long xAt, MemorySegment ys, long yAt, int n) {
        MemorySegment x = Floats.range(xs, xAt, n);
        MemorySegment y = Floats.range(ys, yAt, n);
        for (int i = 0; i < n; i += LANES) {
            store(VectorMath.expOfMinus(load(x, i).abs().mul(2f)), y, i);
        }
    }

    static void tanh(MemorySegment xs, long xAt, MemorySegment falls, MemorySegment ys, long yAt, int n) {
        MemorySegment x = Floats.range(xs, xAt, n);
        MemorySegment fall = Floats.range(falls, 0, n);
        MemorySegment y = Floats.range(ys, yAt, n);
        for (int i = 0; i < n; i += LANES) {
            store(VectorMath.tanh(load(x, i), load(fall, i)), y, i);
        }
    }

    /** {@code 1 − tanh² x = 4e / (1 + e)²} with {@code e = e^−2|x|}, which does not cancel. */
    static void tanhSlope(MemorySegment falls, MemorySegment ys, long yAt, int n) {
        MemorySegment fall = Floats.range(falls, 0, n);
        MemorySegment y = Floats.range(ys, yAt, n);
        for (int i = 0; i < n; i += LANES) {
            FloatVector e = load(fall, i);
            FloatVector d = e.add(1f);
            store(e.mul(4f).div(d.mul(d)), y, i);
        }
    }

    private static FloatVector broadcast(float value) {
        return FloatVector.broadcast(SPECIES, value);
    }

    private static FloatVector load(MemorySegment x, int i) {
        return FloatVector.fromMemorySegment(SPECIES, x, i * 4L, ORDER);
    }

    private static void store(FloatVector v, MemorySegment y, int i) {
        v.intoMemorySegment(y, i * 4L, ORDER);
    }
}
