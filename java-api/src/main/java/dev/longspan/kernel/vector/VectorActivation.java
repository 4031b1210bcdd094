package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.LANES;
import static dev.longspan.kernel.vector.Lanes.SPECIES;

import dev.longspan.kernel.Activation;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Values and slopes of the activations, in place on a buffer whose length is a multiple of the lane count; a spare one of
 * the same length holds what lies between two loops. A loop each: a choice inside one would not be hoisted out of it.
 */
final class VectorActivation {

    /** {@code √(8/π)}: {@code (1 + tanh u) / 2 = σ(2u)}, which does not cancel. */
    private static final float TANH_SCALE = (float) Math.sqrt(8 / Math.PI);
    private static final float TANH_CUBIC = 0.044715f;
    /** The sigmoid has long been 0 or 1 here, and the cube is finite. */
    private static final float TANH_END = 20;
    private static final float BELL_HEIGHT = (float) (1 / Math.sqrt(2 * Math.PI));

    private VectorActivation() {
    }

    /** {@code x[i] = f(x[i])} for i below n, rounded up to whole vectors. */
    static void value(Activation f, float[] x, int n, float[] spare) {
        switch (f) {
            case RELU -> relu(x, n);
            case GELU -> gelu(x, n, spare);
            case GELU_TANH -> geluTanh(x, n);
            case SILU -> silu(x, n);
            case TANH -> tanh(x, n);
        }
    }

    /** {@code x[i] = f'(x[i])} for i below n, rounded up to whole vectors. */
    static void slope(Activation f, float[] x, int n, float[] spare) {
        switch (f) {
            case RELU -> reluSlope(x, n);
            case GELU -> geluSlope(x, n, spare);
            case GELU_TANH -> geluTanhSlope(x, n);
            case SILU -> siluSlope(x, n);
            case TANH -> tanhSlope(x, n);
        }
    }

    private static void relu(float[] x, int n) {
        for (int i = 0; i < n; i += LANES) {
            FloatVector v = FloatVector.fromArray(SPECIES, x, i);
            v.blend(0f, v.compare(VectorOperators.LE, 0f)).intoArray(x, i);
        }
    }

    private static void reluSlope(float[] x, int n) {
        for (int i = 0; i < n; i += LANES) {
            FloatVector v = FloatVector.fromArray(SPECIES, x, i);
            FloatVector.zero(SPECIES).blend(1f, v.compare(VectorOperators.GT, 0f)).intoArray(x, i);
        }
    }

    private static void gelu(float[] x, int n, float[] spare) {
        bell(x, n, spare);
        for (int i = 0; i < n; i += LANES) {
            FloatVector v = FloatVector.fromArray(SPECIES, x, i);
            v.mul(VectorMath.normalCdf(v, FloatVector.fromArray(SPECIES, spare, i))).intoArray(x, i);
        }
    }

    /** A loop of its own: together with the distribution C2 would not inline it, and box every vector. */
    private static void bell(float[] x, int n, float[] to) {
        for (int i = 0; i < n; i += LANES) {
            VectorMath.bell(FloatVector.fromArray(SPECIES, x, i)).intoArray(to, i);
        }
    }

    private static void geluSlope(float[] x, int n, float[] spare) {
        bell(x, n, spare);
        for (int i = 0; i < n; i += LANES) {
            FloatVector v = FloatVector.fromArray(SPECIES, x, i);
            FloatVector bell = FloatVector.fromArray(SPECIES, spare, i);
            v.mul(bell).mul(BELL_HEIGHT).add(VectorMath.normalCdf(v, bell)).intoArray(x, i);
        }
    }

    private static void geluTanh(float[] x, int n) {
        for (int i = 0; i < n; i += LANES) {
            FloatVector v = FloatVector.fromArray(SPECIES, x, i);
            FloatVector u = v.mul(v).mul(TANH_CUBIC).add(1f).mul(v).mul(TANH_SCALE);
            v.div(VectorMath.exp(u.neg()).add(1f)).intoArray(x, i);
        }
    }

    private static void geluTanhSlope(float[] x, int n) {
        for (int i = 0; i < n; i += LANES) {
            FloatVector v = FloatVector.fromArray(SPECIES, x, i);
            FloatVector c = v.blend(TANH_END, v.compare(VectorOperators.GT, TANH_END));
            c = c.blend(-TANH_END, c.compare(VectorOperators.LT, -TANH_END));
            FloatVector square = c.mul(c).mul(TANH_CUBIC);
            FloatVector s = VectorMath.sigmoid(square.add(1f).mul(c).mul(TANH_SCALE));
            FloatVector du = square.mul(3f).add(1f).mul(TANH_SCALE);
            v.mul(s.mul(FloatVector.broadcast(SPECIES, 1f).sub(s))).mul(du).add(s).intoArray(x, i);
        }
    }

    private static void silu(float[] x, int n) {
        for (int i = 0; i < n; i += LANES) {
            FloatVector v = FloatVector.fromArray(SPECIES, x, i);
            v.div(VectorMath.exp(v.neg()).add(1f)).intoArray(x, i);
        }
    }

    private static void siluSlope(float[] x, int n) {
        for (int i = 0; i < n; i += LANES) {
            FloatVector v = FloatVector.fromArray(SPECIES, x, i);
            FloatVector s = VectorMath.sigmoid(v);
            v.mul(FloatVector.broadcast(SPECIES, 1f).sub(s)).add(1f).mul(s).intoArray(x, i);
        }
    }

    private static void tanh(float[] x, int n) {
        for (int i = 0; i < n; i += LANES) {
            VectorMath.tanh(FloatVector.fromArray(SPECIES, x, i)).intoArray(x, i);
        }
    }

    /** {@code 1 − tanh² x = 4 e^(−2|x|) / (1 + e^(−2|x|))²}, which does not cancel. */
    private static void tanhSlope(float[] x, int n) {
        for (int i = 0; i < n; i += LANES) {
            FloatVector e = VectorMath.exp(FloatVector.fromArray(SPECIES, x, i).abs().mul(-2f));
            FloatVector d = e.add(1f);
            e.mul(4f).div(d.mul(d)).intoArray(x, i);
        }
    }
}
