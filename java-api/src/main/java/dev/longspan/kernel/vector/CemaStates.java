package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.LANES;
import static dev.longspan.kernel.vector.Lanes.SPECIES;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import org.jspecify.annotations.Nullable;

/** States between tensors [..., n, 2, D] and groups of {@link CemaSteps#MODES} modes, for one vector of channels. */
record CemaStates(int modes) {

    /** State number {@code number}, zeros where there is no tensor and for missing modes. */
    void load(@Nullable Channels from, long number, long d, float[] s, int so, int length) {
        Arrays.fill(s, so, so + length, 0f);
        if (from != null) {
            for (int row = 0; row < 2 * modes; row++) {
                from.load(number * 2 * modes + row, d).intoArray(s, so + place(row));
            }
        }
    }

    void store(Channels to, long number, long d, float[] s, int so) {
        for (int row = 0; row < 2 * modes; row++) {
            to.store(number * 2 * modes + row, d, FloatVector.fromArray(SPECIES, s, so + place(row)));
        }
    }

    void add(Channels to, long number, long d, float[] s, int so) {
        for (int row = 0; row < 2 * modes; row++) {
            to.add(number * 2 * modes + row, d, FloatVector.fromArray(SPECIES, s, so + place(row)));
        }
    }

    /** Keeps state number {@code number} for the way back. */
    void keep(KeptStates to, long number, long d, float[] s, int so) {
        for (int row = 0; row < 2 * modes; row++) {
            to.store(number, d, row, FloatVector.fromArray(SPECIES, s, so + place(row)));
        }
    }

    /** As {@link #keep} left it. */
    void restore(KeptStates from, long number, long d, float[] s, int length) {
        Arrays.fill(s, 0, length, 0f);
        for (int row = 0; row < 2 * modes; row++) {
            from.load(number, d, row).intoArray(s, place(row));
        }
    }

    /** Row 2k + part of a state in its group. */
    static int place(int row) {
        int mode = row / 2;
        int group = mode / CemaSteps.MODES;
        return group * CemaSteps.STATE + (row % 2 * CemaSteps.MODES + mode % CemaSteps.MODES) * LANES;
    }
}
