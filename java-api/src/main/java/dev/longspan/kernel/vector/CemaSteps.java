package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.LANES;
import static dev.longspan.kernel.vector.Lanes.SPECIES;

import jdk.incubator.vector.FloatVector;

/**
 * The steps of a CEMA for one vector of channels, some modes at a time with their coefficients and states in registers: the
 * loops are generated for each number of modes. x, y, dy and dx have a row a step from xo on; coefficients lie as
 * {@link CemaTable} has them, states as the real and then the imaginary parts of a group.
 */
final class CemaSteps {

    /** Modes of a group: the way back of two takes 30 of the 32 registers of AVX-512, of one 16. */
    static final int MODES = Lanes.BITS == 512 ? 2 : 1;
    /** Floats of a group's states. */
    static final int STATE = 2 * MODES * LANES;
    /** Floats between steps. */
    static final int ROW = CemaRows.ROW;
    /** Rows of accumulators in {@link #backward}, by mode: with A = a + ib and s = r + ii, Σ a·r, Σ b·i and Σ (a + b)·(r − i). */
    static final int SUMS = 3;

    private CemaSteps() {
    }

    /** {@code s ← q⊙s + xₜ}, {@code yₜ += Σ Re(c⊙s)}, for two groups. */
    static void forward(int from, int to, float[] k, int ko, float[] s, int so, float[] x, float[] y, int xo) {
        if (MODES == 2) {
            CemaSteps2.forward(from, to, k, ko, s, so, x, y, xo);
        } else {
            CemaSteps1.forward(from, to, k, ko, s, so, x, y, xo);
        }
    }

    /** States before step {@code from}, row from of s, to those after each step; {@code sums += Σ dyₜ·(Re sₜ, Im sₜ)}. */
    static void recompute(int from, int to, float[] k, int ko, float[] s, float[] x, float[] dy, int xo,
            float[] sums, int uo) {
        if (MODES == 2) {
            CemaSteps2.recompute(from, to, k, ko, s, x, dy, xo, sums, uo);
        } else {
            CemaSteps1.recompute(from, to, k, ko, s, x, dy, xo, sums, uo);
        }
    }

    /**
     * From step {@code to − 1} back to {@code from}: {@code A = z + c̄·dyₜ}, {@code dxₜ += Re A}, {@code sums += A·s̄ₜ₋₁},
     * {@code z ← q̄·A}.
     */
    static void backward(int from, int to, float[] k, int ko, float[] s, float[] dy, float[] dx, int xo, float[] z, int zo,
            float[] sums, int uo) {
        if (MODES == 2) {
            CemaSteps2.backward(from, to, k, ko, s, dy, dx, xo, z, zo, sums, uo);
        } else {
            CemaSteps1.backward(from, to, k, ko, s, dy, dx, xo, z, zo, sums, uo);
        }
    }

    /**
     * Step {@code t} of {@link #forward}, the last of a piece, with {@code e⊙before} among its input: added behind the step it
     * would be less than half a unit in the last place and lost.
     */
    static void mend(int t, float[] k, int ko, float[] e, int eo, float[] before, int bo, float[] s, int so,
            float[] x, float[] y, int xo) {
        FloatVector in = load(x, xo + t * ROW);
        FloatVector sum = load(y, xo + t * ROW);
        for (int m = 0; m < MODES * LANES; m += LANES) {
            FloatVector er = load(e, eo + m);
            FloatVector ei = load(e, eo + MODES * LANES + m);
            FloatVector br = load(before, bo + m);
            FloatVector bi = load(before, bo + MODES * LANES + m);
            FloatVector q = load(k, ko + m);
            FloatVector w = load(k, ko + MODES * LANES + m);
            FloatVector r = load(s, so + m);
            FloatVector i = load(s, so + MODES * LANES + m);
            FloatVector re = w.neg().fma(i, q.fma(r, er.fma(br, ei.neg().fma(bi, in))));
            FloatVector im = w.fma(r, q.fma(i, er.fma(bi, ei.mul(br))));
            re.intoArray(s, so + m);
            im.intoArray(s, so + MODES * LANES + m);
            sum = load(k, ko + 3 * MODES * LANES + m).fma(im, load(k, ko + 2 * MODES * LANES + m).fma(re, sum));
        }
        sum.intoArray(y, xo + t * ROW);
    }

    /** {@code s += e⊙before}, or {@code s += ē⊙before}: what the float32 q lost over a piece, for all modes of a group. */
    static void correct(float[] e, int eo, boolean conjugate, float[] before, int bo, float[] s, int so) {
        for (int m = 0; m < MODES * LANES; m += LANES) {
            FloatVector re = load(e, eo + m);
            FloatVector im = load(e, eo + MODES * LANES + m);
            if (conjugate) {
                im = im.neg();
            }
            FloatVector r = load(before, bo + m);
            FloatVector i = load(before, bo + MODES * LANES + m);
            load(s, so + m).add(re.mul(r)).sub(im.mul(i)).intoArray(s, so + m);
            load(s, so + MODES * LANES + m).add(re.mul(i)).add(im.mul(r)).intoArray(s, so + MODES * LANES + m);
        }
    }

    private static FloatVector load(float[] a, int at) {
        return FloatVector.fromArray(SPECIES, a, at);
    }
}
