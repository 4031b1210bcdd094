package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.LANES;
import static dev.longspan.kernel.vector.Lanes.ORDER;
import static dev.longspan.kernel.vector.Lanes.SPECIES;

import dev.longspan.kernel.Activation;
import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.Set;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/** Values and slopes of the activations, from one place to another or in place. */
final class VectorActivation {

    /** Elements that pass through the spare memory at once, which then stay in the first-level cache. */
    static final int BLOCK = 1024;
    /** Bytes of the spare memory: a block and a vector. */
    static final long SPARE_BYTES = 4L * (BLOCK + LANES);

    /** Activations of one loop, which need no spare memory: of them a range may be of any length. */
    private static final Set<Activation> IN_ONE_LOOP = EnumSet.of(Activation.RELU, Activation.GELU_TANH, Activation.SILU);

    private VectorActivation() {
    }

    /** How many elements {@link #value} takes at once, at most {@code n}: each call costs as much as some vectors. */
    static int blockOfValues(Activation f, int n) {
        return IN_ONE_LOOP.contains(f) ? n : BLOCK;
    }

    /** {@code y = f(x)} for n elements from {@code xAt} and {@code yAt} on, at most {@link #blockOfValues}; y may be x. */
    static void value(Activation f, MemorySegment x, long xAt, MemorySegment y, long yAt, int n,
            MemorySegment spare) {
        int whole = Lanes.whole(n);
        values(f, x, xAt, y, yAt, whole, spare);
        if (whole < n) {
            VectorMask<Float> rest = Lanes.first(n - whole);
            FloatVector.fromMemorySegment(SPECIES, x, 4 * (xAt + whole), ORDER, rest).intoMemorySegment(spare, 4L * BLOCK, ORDER);
            values(f, spare, BLOCK, spare, BLOCK, LANES, spare);
            FloatVector.fromMemorySegment(SPECIES, spare, 4L * BLOCK, ORDER).intoMemorySegment(y, 4 * (yAt + whole), ORDER, rest);
        }
    }

    /** {@code y = f'(x)} for n elements from {@code xAt} and {@code yAt} on, at most {@link #BLOCK}; y may be x. */
    static void slope(Activation f, MemorySegment x, long xAt, MemorySegment y, long yAt, int n,
            MemorySegment spare) {
        int whole = Lanes.whole(n);
        slopes(f, x, xAt, y, yAt, whole, spare);
        if (whole < n) {
            VectorMask<Float> rest = Lanes.first(n - whole);
            FloatVector.fromMemorySegment(SPECIES, x, 4 * (xAt + whole), ORDER, rest).intoMemorySegment(spare, 4L * BLOCK, ORDER);
            slopes(f, spare, BLOCK, spare, BLOCK, LANES, spare);
            FloatVector.fromMemorySegment(SPECIES, spare, 4L * BLOCK, ORDER).intoMemorySegment(y, 4 * (yAt + whole), ORDER, rest);
        }
    }

    private static void values(Activation f, MemorySegment x, long xAt, MemorySegment y, long yAt, int n,
            MemorySegment spare) {
        switch (f) {
            case RELU -> ActivationLoops.relu(x, xAt, y, yAt, n);
            case GELU -> {
                ActivationLoops.bell(x, xAt, spare, 0, n);
                ActivationLoops.gelu(x, xAt, spare, y, yAt, n);
            }
            case GELU_TANH -> ActivationLoops.geluTanh(x, xAt, y, yAt, n);
            case SILU -> ActivationLoops.silu(x, xAt, y, yAt, n);
            case TANH -> {
                ActivationLoops.fall(x, xAt, spare, 0, n);
                ActivationLoops.tanh(x, xAt, spare, y, yAt, n);
            }
        }
    }

    private static void slopes(Activation f, MemorySegment x, long xAt, MemorySegment y, long yAt, int n,
            MemorySegment spare) {
        switch (f) {
            case RELU -> ActivationLoops.reluSlope(x, xAt, y, yAt, n);
            case GELU -> {
                ActivationLoops.bell(x, xAt, spare, 0, n);
                ActivationLoops.geluSlope(x, xAt, spare, y, yAt, n);
            }
            case GELU_TANH -> {
                ActivationLoops.geluTanhSigmoid(x, xAt, spare, 0, n);
                ActivationLoops.geluTanhSlope(x, xAt, spare, y, yAt, n);
            }
            case SILU -> ActivationLoops.siluSlope(x, xAt, y, yAt, n);
            case TANH -> {
                ActivationLoops.fall(x, xAt, spare, 0, n);
                ActivationLoops.tanhSlope(spare, y, yAt, n);
            }
        }
    }
}
