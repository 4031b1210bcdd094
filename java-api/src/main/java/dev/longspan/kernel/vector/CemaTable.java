package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.LANES;

import dev.longspan.kernel.ScanPlan;
import dev.longspan.parallel.Scratch;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * A CEMA's coefficients for some vectors of channels, in float32, with what rounding q takes away. Steps run in pieces of
 * 2ʲ; each mends the state by {@code s += (q^2ʲ − q̃^2ʲ)⊙s₀}, q̃ the rounded q and s₀ the state before the piece: over
 * 64K steps of a mode with 1 − |q| = 6e-6 the rounded q alone would be off by 4e-4.
 *
 * <p>A group of modes has the real parts of q, a vector a mode, its imaginary parts, the real parts of c and its negated
 * imaginary ones; missing modes and channels are zeros, and the number of groups is even.
 */
final class CemaTable {

    /** Pieces have 2⁰ to 2⁶ = {@link ScanPlan#BLOCK} steps. */
    static final int PIECES = 7;
    /** Floats of a group's coefficients. */
    static final int GROUP = 4 * CemaSteps.MODES * LANES;

    /** q is rounded to multiples of this, so that sums and differences of its parts are exact. */
    private static final double GRID = 0x1p-23;

    final int groups;
    final float[] values;
    private final float[] errors;
    private final int vectors;

    /** For {@code vectors} vectors of channels from channel {@code first} on, with pieces of at most {@code steps}. */
    CemaTable(Tensor q, Tensor c, long first, int vectors, long steps, Scratch scratch, int slot) {
        int modes = Math.toIntExact(q.size(0));
        this.groups = 2 * Math.ceilDiv(modes, 2 * CemaSteps.MODES);
        this.vectors = vectors;
        values = scratch.floats(slot, vectors * groups * GROUP);
        errors = scratch.floats(slot + 1, PIECES * vectors * groups * CemaSteps.STATE);
        double[] row = scratch.doubles(0, LANES);
        Arrays.fill(values, 0, vectors * groups * GROUP, 0f);
        Arrays.fill(errors, 0, vectors * groups * CemaSteps.STATE, 0f);
        for (int mode = 0; mode < modes; mode++) {
            for (int v = 0; v < vectors; v++) {
                int group = v * groups + mode / CemaSteps.MODES;
                int place = mode % CemaSteps.MODES * LANES;
                for (int part = 0; part < 2; part++) {
                    int at = part * CemaSteps.MODES * LANES + place;
                    int count = row(q, mode, part, first + (long) v * LANES, row);
                    split(row, count, values, group * GROUP + at, errors, group * CemaSteps.STATE + at);
                    count = row(c, mode, part, first + (long) v * LANES, row);
                    for (int i = 0; i < count; i++) {
                        values[group * GROUP + 2 * CemaSteps.MODES * LANES + at + i] = (float) (part == 0 ? row[i] : -row[i]);
                    }
                }
            }
        }
        doubleErrors(steps, scratch.floats(slot + 2, CemaSteps.STATE));
    }

    /** Place of the coefficients of a group of modes of a vector of channels. */
    int at(int vector, int group) {
        return (vector * groups + group) * GROUP;
    }

    /** The steps of a piece for groups {@code group} and {@code group + 1}, mended by its last one. */
    void forward(int from, int to, int vector, int group, float[] before, float[] s, int so, float[] x, float[] y, int xo) {
        int ko = at(vector, group);
        int eo = error(to - from, vector, group);
        System.arraycopy(s, so, before, 0, 2 * CemaSteps.STATE);
        CemaSteps.forward(from, to - 1, values, ko, s, so, x, y, xo);
        CemaSteps.mend(to - 1, values, ko, errors, eo, before, 0, s, so, x, y, xo);
        CemaSteps.mend(to - 1, values, ko + GROUP, errors, eo + CemaSteps.STATE, before, CemaSteps.STATE, s,
                so + CemaSteps.STATE, x, y, xo);
    }

    /** Mends states behind a piece, or with {@code conjugate} their gradients before it. */
    void correct(int steps, int vector, int group, boolean conjugate, float[] before, int bo, float[] s, int so) {
        CemaSteps.correct(errors, error(steps, vector, group), conjugate, before, bo, s, so);
    }

    private int error(int steps, int vector, int group) {
        return ((Integer.numberOfTrailingZeros(steps) * vectors + vector) * groups + group) * CemaSteps.STATE;
    }

    /** {@code q²ᵐ − q̃²ᵐ = e·(2q̃ᵐ + e)} with {@code e = qᵐ − q̃ᵐ}, from m = 1 on. */
    private void doubleErrors(long steps, float[] powers) {
        int level = vectors * groups * CemaSteps.STATE;
        int half = CemaSteps.MODES * LANES;
        for (int group = 0; group < vectors * groups; group++) {
            System.arraycopy(values, group * GROUP, powers, 0, CemaSteps.STATE);
            for (int piece = 1; piece < PIECES && 1 << piece <= steps; piece++) {
                int from = (piece - 1) * level + group * CemaSteps.STATE;
                // Without vectors: this runs too seldom for C2, and until it comes each vector would be an object.
                for (int m = 0; m < half; m++) {
                    float qr = powers[m];
                    float qi = powers[half + m];
                    float er = errors[from + m];
                    float ei = errors[from + half + m];
                    float sr = qr + qr + er;
                    float si = qi + qi + ei;
                    errors[from + level + m] = er * sr - ei * si;
                    errors[from + level + half + m] = er * si + ei * sr;
                    powers[m] = qr * qr - qi * qi;
                    powers[half + m] = (qr + qr) * qi;
                }
            }
        }
    }

    /** Channels from {@code first} on of a row of an F64 [n, 2, D] tensor; returns how many there are. */
    private static int row(Tensor t, int mode, int part, long first, double[] row) {
        int count = (int) Math.min(LANES, t.size(2) - first);
        MemorySegment.copy(t.segment(), ValueLayout.JAVA_DOUBLE, (t.offset() + (2L * mode + part) * t.size(2) + first) * 8,
                row, 0, count);
        return count;
    }

    private static void split(double[] row, int count, float[] high, int ho, float[] low, int lo) {
        for (int i = 0; i < count; i++) {
            float rounded = (float) (Math.rint(row[i] / GRID) * GRID);
            high[ho + i] = rounded;
            low[lo + i] = (float) (row[i] - rounded);
        }
    }
}
