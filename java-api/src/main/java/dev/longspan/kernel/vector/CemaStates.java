package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.LANES;
import static dev.longspan.kernel.vector.Lanes.SPECIES;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import org.jspecify.annotations.Nullable;

/** States between tensors [..., n, 2, D] and rows of one vector of channels. */
record CemaStates(int modes) {

    /** State number {@code number}, zeros where there is no tensor. */
    void load(@Nullable Channels from, long number, long d, float[] s, int so) {
        if (from == null) {
            Arrays.fill(s, so, so + 2 * modes * LANES, 0f);
        } else {
            for (int row = 0; row < 2 * modes; row++) {
                from.load(number * 2 * modes + row, d).intoArray(s, so + row * LANES);
            }
        }
    }

    void store(Channels to, long number, long d, float[] s, int so) {
        for (int row = 0; row < 2 * modes; row++) {
            to.store(number * 2 * modes + row, d, FloatVector.fromArray(SPECIES, s, so + row * LANES));
        }
    }

    void add(Channels to, long number, long d, float[] s, int so) {
        for (int row = 0; row < 2 * modes; row++) {
            to.add(number * 2 * modes + row, d, FloatVector.fromArray(SPECIES, s, so + row * LANES));
        }
    }

    /** Keeps state number {@code number} for the way back. */
    void keep(KeptStates to, long number, long d, float[] s, int so) {
        for (int row = 0; row < 2 * modes; row++) {
            to.store(number, d, row, FloatVector.fromArray(SPECIES, s, so + row * LANES));
        }
    }

    /** As {@link #keep} left it. */
    void restore(KeptStates from, long number, long d, float[] s) {
        for (int row = 0; row < 2 * modes; row++) {
            from.load(number, d, row).intoArray(s, row * LANES);
        }
    }
}
