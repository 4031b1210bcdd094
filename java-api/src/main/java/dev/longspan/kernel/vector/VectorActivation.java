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

    /** {@code y = f(x)} for n elements, at most {@link #blockOfValues}; y may be x. */
    static void value(Activation f, MemorySegment x, MemorySegment y, int n, MemorySegment spare) {
        int whole = Lanes.whole(n);
        values(f, x, y, whole, spare);
        if (whole < n) {
            VectorMask<Float> rest = Lanes.first(n - whole);
            MemorySegment last = spare.asSlice(4L * BLOCK, 4L * LANES);
            FloatVector.fromMemorySegment(SPECIES, x, 4L * whole, ORDER, rest).intoMemorySegment(last, 0, ORDER);
            values(f, last, last, LANES, spare);
            FloatVector.fromMemorySegment(SPECIES, last, 0, ORDER).intoMemorySegment(y, 4L * whole, ORDER, rest);
        }
    }

    /** {@code y = f'(x)} for n elements, at most {@link #BLOCK}; y may be x. */
    static void slope(Activation f, MemorySegment x, MemorySegment y, int n, MemorySegment spare) {
        int whole = Lanes.whole(n);
        slopes(f, x, y, whole, spare);
        if (whole < n) {
            VectorMask<Float> rest = Lanes.first(n - whole);
            MemorySegment last = spare.asSlice(4L * BLOCK, 4L * LANES);
            FloatVector.fromMemorySegment(SPECIES, x, 4L * whole, ORDER, rest).intoMemorySegment(last, 0, ORDER);
            slopes(f, last, last, LANES, spare);
            FloatVector.fromMemorySegment(SPECIES, last, 0, ORDER).intoMemorySegment(y, 4L * whole, ORDER, rest);
        }
    }

    private static void values(Activation f, MemorySegment x, MemorySegment y, int n, MemorySegment spare) {
        switch (f) {
            case RELU -> ActivationLoops.relu(x, y, n);
            case GELU -> {
                ActivationLoops.bell(x, spare, n);
                ActivationLoops.gelu(x, spare, y, n);
            }
            case GELU_TANH -> ActivationLoops.geluTanh(x, y, n);
            case SILU -> ActivationLoops.silu(x, y, n);
            case TANH -> {
                ActivationLoops.fall(x, spare, n);
                ActivationLoops.tanh(x, spare, y, n);
            }
        }
    }

    private static void slopes(Activation f, MemorySegment x, MemorySegment y, int n, MemorySegment spare) {
        switch (f) {
            case RELU -> ActivationLoops.reluSlope(x, y, n);
            case GELU -> {
                ActivationLoops.bell(x, spare, n);
                ActivationLoops.geluSlope(x, spare, y, n);
            }
            case GELU_TANH -> {
                ActivationLoops.geluTanhSigmoid(x, spare, n);
                ActivationLoops.geluTanhSlope(x, spare, y, n);
            }
            case SILU -> ActivationLoops.siluSlope(x, y, n);
            case TANH -> {
                ActivationLoops.fall(x, spare, n);
                ActivationLoops.tanhSlope(spare, y, n);
            }
        }
    }
}
