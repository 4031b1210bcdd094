package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.LANES;
import static dev.longspan.kernel.vector.Lanes.ORDER;
import static dev.longspan.kernel.vector.Lanes.SPECIES;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Loops over whole vectors for each activation, two where C2 would meet too many nodes: it then stops inlining, and boxes every
 * vector that the rest of the method computes. {@link CompilerHints} keeps them from being inlined into one method.
 */
final class ActivationLoops {

    /** {@code √(8/π)}: {@code (1 + tanh u) / 2 = σ(2u)}, which does not cancel. */
    private static final float TANH_SCALE = (float) Math.sqrt(8 / Math.PI);
    private static final float TANH_CUBIC = 0.044715f;
    /** The sigmoid has long been 0 or 1 here, and the cube is finite. */
    private static final float TANH_END = 20;
    private static final float BELL_HEIGHT = (float) (1 / Math.sqrt(2 * Math.PI));

    private ActivationLoops() {
    }

    static void relu(MemorySegment x, MemorySegment y, int n) {
        for (int i = 0; i < n; i += LANES) {
            FloatVector v = load(x, i);
            store(v.blend(0f, v.compare(VectorOperators.LE, 0f)), y, i);
        }
    }

    static void reluSlope(MemorySegment x, MemorySegment y, int n) {
        for (int i = 0; i < n; i += LANES) {
            FloatVector v = load(x, i);
            store(FloatVector.zero(SPECIES).blend(1f, v.compare(VectorOperators.GT, 0f)), y, i);
        }
    }

    /** {@code y = e^(−x²/2)}. */
    static void bell(MemorySegment x, MemorySegment y, int n) {
        for (int i = 0; i < n; i += LANES) {
            store(VectorMath.bell(load(x, i)), y, i);
        }
    }

    static void gelu(MemorySegment x, MemorySegment bell, MemorySegment y, int n) {
        for (int i = 0; i < n; i += LANES) {
            FloatVector v = load(x, i);
            store(v.mul(VectorMath.normalCdf(v, load(bell, i))), y, i);
        }
    }

    static void geluSlope(MemorySegment x, MemorySegment bell, MemorySegment y, int n) {
        for (int i = 0; i < n; i += LANES) {
            FloatVector v = load(x, i);
            FloatVector b = load(bell, i);
            store(v.mul(b).fma(FloatVector.broadcast(SPECIES, BELL_HEIGHT), VectorMath.normalCdf(v, b)), y, i);
        }
    }

    static void geluTanh(MemorySegment x, MemorySegment y, int n) {
        for (int i = 0; i < n; i += LANES) {
            FloatVector v = load(x, i);
            FloatVector u = v.mul(v).mul(TANH_CUBIC).add(1f).mul(v).mul(TANH_SCALE);
            store(VectorMath.timesSigmoid(v, u), y, i);
        }
    }

    /** {@code y = σ(2u)}. */
    static void geluTanhSigmoid(MemorySegment x, MemorySegment y, int n) {
        for (int i = 0; i < n; i += LANES) {
            FloatVector c = bounded(load(x, i));
            store(VectorMath.sigmoid(c.mul(c).mul(TANH_CUBIC).add(1f).mul(c).mul(TANH_SCALE)), y, i);
        }
    }

    static void geluTanhSlope(MemorySegment x, MemorySegment sigmoid, MemorySegment y, int n) {
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

    static void silu(MemorySegment x, MemorySegment y, int n) {
        for (int i = 0; i < n; i += LANES) {
            FloatVector v = load(x, i);
            store(VectorMath.timesSigmoid(v, v), y, i);
        }
    }

    static void siluSlope(MemorySegment x, MemorySegment y, int n) {
        for (int i = 0; i < n; i += LANES) {
            FloatVector v = load(x, i);
            FloatVector s = VectorMath.sigmoid(v);
            store(v.mul(FloatVector.broadcast(SPECIES, 1f).sub(s)).add(1f).mul(s), y, i);
        }
    }

    /** {@code y = e^−2|x|}. */
    static void fall(MemorySegment x, MemorySegment y, int n) {
        for (int i = 0; i < n; i += LANES) {
            store(VectorMath.expOfMinus(load(x, i).abs().mul(2f)), y, i);
        }
    }

    static void tanh(MemorySegment x, MemorySegment fall, MemorySegment y, int n) {
        for (int i = 0; i < n; i += LANES) {
            store(VectorMath.tanh(load(x, i), load(fall, i)), y, i);
        }
    }

    /** {@code 1 − tanh² x = 4e / (1 + e)²} with {@code e = e^−2|x|}, which does not cancel. */
    static void tanhSlope(MemorySegment fall, MemorySegment y, int n) {
        for (int i = 0; i < n; i += LANES) {
            FloatVector e = load(fall, i);
            FloatVector d = e.add(1f);
            store(e.mul(4f).div(d.mul(d)), y, i);
        }
    }

    private static FloatVector load(MemorySegment x, int i) {
        return FloatVector.fromMemorySegment(SPECIES, x, i * 4L, ORDER);
    }

    private static void store(FloatVector v, MemorySegment y, int i) {
        v.intoMemorySegment(y, i * 4L, ORDER);
    }
}
