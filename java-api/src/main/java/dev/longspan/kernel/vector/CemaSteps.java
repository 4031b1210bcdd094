package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.LANES;
import static dev.longspan.kernel.vector.Lanes.SPECIES;

import jdk.incubator.vector.FloatVector;

/**
 * The steps of a CEMA for one vector of channels, four modes at a time with their coefficients and states in registers.
 * x, y, dy and dx are rows of one vector from xo on; coefficients lie as {@link CemaTable} has them, states as R₀…R₃ I₀…I₃.
 */
final class CemaSteps {

    /** Modes of a group. */
    static final int MODES = 4;
    /** Floats of a group's states. */
    static final int STATE = 2 * MODES * LANES;
    /** Rows of accumulators in {@link #backward}: dq's real part, and the two terms of its imaginary part, by mode. */
    static final int SUMS = 3;

    private CemaSteps() {
    }

    /** {@code s ← q⊙s + xₜ}, {@code yₜ += Σ Re(c⊙s)}. */
    static void forward(int from, int to, float[] k, int ko, float[] s, int so, float[] x, float[] y, int xo) {
        FloatVector q0 = load(k, ko);
        FloatVector q1 = load(k, ko + LANES);
        FloatVector q2 = load(k, ko + 2 * LANES);
        FloatVector q3 = load(k, ko + 3 * LANES);
        FloatVector w0 = load(k, ko + 4 * LANES);
        FloatVector w1 = load(k, ko + 5 * LANES);
        FloatVector w2 = load(k, ko + 6 * LANES);
        FloatVector w3 = load(k, ko + 7 * LANES);
        FloatVector n0 = w0.neg();
        FloatVector n1 = w1.neg();
        FloatVector n2 = w2.neg();
        FloatVector n3 = w3.neg();
        FloatVector g0 = load(k, ko + 8 * LANES);
        FloatVector g1 = load(k, ko + 9 * LANES);
        FloatVector g2 = load(k, ko + 10 * LANES);
        FloatVector g3 = load(k, ko + 11 * LANES);
        FloatVector c0 = load(k, ko + 12 * LANES);
        FloatVector c1 = load(k, ko + 13 * LANES);
        FloatVector c2 = load(k, ko + 14 * LANES);
        FloatVector c3 = load(k, ko + 15 * LANES);
        FloatVector r0 = load(s, so);
        FloatVector r1 = load(s, so + LANES);
        FloatVector r2 = load(s, so + 2 * LANES);
        FloatVector r3 = load(s, so + 3 * LANES);
        FloatVector i0 = load(s, so + 4 * LANES);
        FloatVector i1 = load(s, so + 5 * LANES);
        FloatVector i2 = load(s, so + 6 * LANES);
        FloatVector i3 = load(s, so + 7 * LANES);
        for (int t = from; t < to; t++) {
            FloatVector in = load(x, xo + t * LANES);
            FloatVector a = load(y, xo + t * LANES);
            FloatVector old = r0;
            r0 = n0.fma(i0, q0.fma(r0, in));
            i0 = w0.fma(old, q0.mul(i0));
            a = g0.fma(r0, a);
            FloatVector b = c0.mul(i0);
            old = r1;
            r1 = n1.fma(i1, q1.fma(r1, in));
            i1 = w1.fma(old, q1.mul(i1));
            a = g1.fma(r1, a);
            b = c1.fma(i1, b);
            old = r2;
            r2 = n2.fma(i2, q2.fma(r2, in));
            i2 = w2.fma(old, q2.mul(i2));
            a = g2.fma(r2, a);
            b = c2.fma(i2, b);
            old = r3;
            r3 = n3.fma(i3, q3.fma(r3, in));
            i3 = w3.fma(old, q3.mul(i3));
            a = g3.fma(r3, a);
            b = c3.fma(i3, b);
            a.add(b).intoArray(y, xo + t * LANES);
        }
        r0.intoArray(s, so);
        r1.intoArray(s, so + LANES);
        r2.intoArray(s, so + 2 * LANES);
        r3.intoArray(s, so + 3 * LANES);
        i0.intoArray(s, so + 4 * LANES);
        i1.intoArray(s, so + 5 * LANES);
        i2.intoArray(s, so + 6 * LANES);
        i3.intoArray(s, so + 7 * LANES);
    }

    /** States before step {@code from}, row from of s, to those after each step; {@code sums += Σ dyₜ·(Re sₜ, Im sₜ)}. */
    static void recompute(int from, int to, float[] k, int ko, float[] s, float[] x, float[] dy, int xo,
            float[] sums, int uo) {
        FloatVector q0 = load(k, ko);
        FloatVector q1 = load(k, ko + LANES);
        FloatVector q2 = load(k, ko + 2 * LANES);
        FloatVector q3 = load(k, ko + 3 * LANES);
        FloatVector w0 = load(k, ko + 4 * LANES);
        FloatVector w1 = load(k, ko + 5 * LANES);
        FloatVector w2 = load(k, ko + 6 * LANES);
        FloatVector w3 = load(k, ko + 7 * LANES);
        FloatVector n0 = w0.neg();
        FloatVector n1 = w1.neg();
        FloatVector n2 = w2.neg();
        FloatVector n3 = w3.neg();
        int so = from * STATE;
        FloatVector r0 = load(s, so);
        FloatVector r1 = load(s, so + LANES);
        FloatVector r2 = load(s, so + 2 * LANES);
        FloatVector r3 = load(s, so + 3 * LANES);
        FloatVector i0 = load(s, so + 4 * LANES);
        FloatVector i1 = load(s, so + 5 * LANES);
        FloatVector i2 = load(s, so + 6 * LANES);
        FloatVector i3 = load(s, so + 7 * LANES);
        FloatVector u0 = load(sums, uo);
        FloatVector u1 = load(sums, uo + LANES);
        FloatVector u2 = load(sums, uo + 2 * LANES);
        FloatVector u3 = load(sums, uo + 3 * LANES);
        FloatVector v0 = load(sums, uo + 4 * LANES);
        FloatVector v1 = load(sums, uo + 5 * LANES);
        FloatVector v2 = load(sums, uo + 6 * LANES);
        FloatVector v3 = load(sums, uo + 7 * LANES);
        for (int t = from; t < to; t++) {
            FloatVector in = load(x, xo + t * LANES);
            FloatVector g = load(dy, xo + t * LANES);
            int at = (t + 1) * STATE;
            FloatVector old = r0;
            r0 = n0.fma(i0, q0.fma(r0, in));
            i0 = w0.fma(old, q0.mul(i0));
            u0 = g.fma(r0, u0);
            v0 = g.fma(i0, v0);
            r0.intoArray(s, at);
            i0.intoArray(s, at + 4 * LANES);
            old = r1;
            r1 = n1.fma(i1, q1.fma(r1, in));
            i1 = w1.fma(old, q1.mul(i1));
            u1 = g.fma(r1, u1);
            v1 = g.fma(i1, v1);
            r1.intoArray(s, at + LANES);
            i1.intoArray(s, at + 5 * LANES);
            old = r2;
            r2 = n2.fma(i2, q2.fma(r2, in));
            i2 = w2.fma(old, q2.mul(i2));
            u2 = g.fma(r2, u2);
            v2 = g.fma(i2, v2);
            r2.intoArray(s, at + 2 * LANES);
            i2.intoArray(s, at + 6 * LANES);
            old = r3;
            r3 = n3.fma(i3, q3.fma(r3, in));
            i3 = w3.fma(old, q3.mul(i3));
            u3 = g.fma(r3, u3);
            v3 = g.fma(i3, v3);
            r3.intoArray(s, at + 3 * LANES);
            i3.intoArray(s, at + 7 * LANES);
        }
        u0.intoArray(sums, uo);
        u1.intoArray(sums, uo + LANES);
        u2.intoArray(sums, uo + 2 * LANES);
        u3.intoArray(sums, uo + 3 * LANES);
        v0.intoArray(sums, uo + 4 * LANES);
        v1.intoArray(sums, uo + 5 * LANES);
        v2.intoArray(sums, uo + 6 * LANES);
        v3.intoArray(sums, uo + 7 * LANES);
    }

    /**
     * Modes {@code m} and {@code m + 1} of a group, from step {@code to − 1} back to {@code from}: {@code A = z + c̄·dyₜ},
     * {@code dxₜ += Re A}, {@code sums += A·s̄ₜ₋₁}, {@code z ← q̄·A}. Two modes, since four would need 40 registers.
     */
    static void backward(int from, int to, int m, float[] k, int ko, float[] s, float[] dy, float[] dx, int xo,
            float[] z, int zo, float[] sums, int uo) {
        int mo = m * LANES;
        FloatVector q0 = load(k, ko + mo);
        FloatVector q1 = load(k, ko + mo + LANES);
        FloatVector w0 = load(k, ko + mo + 4 * LANES);
        FloatVector w1 = load(k, ko + mo + 5 * LANES);
        FloatVector n0 = w0.neg();
        FloatVector n1 = w1.neg();
        FloatVector g0 = load(k, ko + mo + 8 * LANES);
        FloatVector g1 = load(k, ko + mo + 9 * LANES);
        FloatVector c0 = load(k, ko + mo + 12 * LANES);
        FloatVector c1 = load(k, ko + mo + 13 * LANES);
        FloatVector zr0 = load(z, zo + mo);
        FloatVector zr1 = load(z, zo + mo + LANES);
        FloatVector zi0 = load(z, zo + mo + 4 * LANES);
        FloatVector zi1 = load(z, zo + mo + 5 * LANES);
        FloatVector u0 = load(sums, uo + mo);
        FloatVector u1 = load(sums, uo + mo + LANES);
        FloatVector v0 = load(sums, uo + mo + 4 * LANES);
        FloatVector v1 = load(sums, uo + mo + 5 * LANES);
        FloatVector p0 = load(sums, uo + mo + 8 * LANES);
        FloatVector p1 = load(sums, uo + mo + 9 * LANES);
        for (int t = to - 1; t >= from; t--) {
            FloatVector g = load(dy, xo + t * LANES);
            int at = t * STATE + mo;
            FloatVector sr = load(s, at);
            FloatVector si = load(s, at + 4 * LANES);
            FloatVector ar = g0.fma(g, zr0);
            FloatVector ai = c0.fma(g, zi0);
            FloatVector sum = load(dx, xo + t * LANES).add(ar);
            u0 = ar.fma(sr, ai.fma(si, u0));
            v0 = ai.fma(sr, v0);
            p0 = ar.fma(si, p0);
            zr0 = w0.fma(ai, q0.mul(ar));
            zi0 = n0.fma(ar, q0.mul(ai));
            sr = load(s, at + LANES);
            si = load(s, at + 5 * LANES);
            ar = g1.fma(g, zr1);
            ai = c1.fma(g, zi1);
            sum.add(ar).intoArray(dx, xo + t * LANES);
            u1 = ar.fma(sr, ai.fma(si, u1));
            v1 = ai.fma(sr, v1);
            p1 = ar.fma(si, p1);
            zr1 = w1.fma(ai, q1.mul(ar));
            zi1 = n1.fma(ar, q1.mul(ai));
        }
        zr0.intoArray(z, zo + mo);
        zr1.intoArray(z, zo + mo + LANES);
        zi0.intoArray(z, zo + mo + 4 * LANES);
        zi1.intoArray(z, zo + mo + 5 * LANES);
        u0.intoArray(sums, uo + mo);
        u1.intoArray(sums, uo + mo + LANES);
        v0.intoArray(sums, uo + mo + 4 * LANES);
        v1.intoArray(sums, uo + mo + 5 * LANES);
        p0.intoArray(sums, uo + mo + 8 * LANES);
        p1.intoArray(sums, uo + mo + 9 * LANES);
    }

    /**
     * Step {@code t} of {@link #forward}, the last of a piece, with {@code e⊙before} among its input: added behind the step it
     * would be less than half a unit in the last place and lost.
     */
    static void mend(int t, float[] k, int ko, float[] e, int eo, float[] before, float[] s, int so, float[] x, float[] y,
            int xo) {
        FloatVector in = load(x, xo + t * LANES);
        FloatVector sum = load(y, xo + t * LANES);
        for (int m = 0; m < MODES * LANES; m += LANES) {
            FloatVector er = load(e, eo + m);
            FloatVector ei = load(e, eo + MODES * LANES + m);
            FloatVector br = load(before, m);
            FloatVector bi = load(before, MODES * LANES + m);
            FloatVector q = load(k, ko + m);
            FloatVector w = load(k, ko + 4 * LANES + m);
            FloatVector r = load(s, so + m);
            FloatVector i = load(s, so + MODES * LANES + m);
            FloatVector re = w.neg().fma(i, q.fma(r, er.fma(br, ei.neg().fma(bi, in))));
            FloatVector im = w.fma(r, q.fma(i, er.fma(bi, ei.mul(br))));
            re.intoArray(s, so + m);
            im.intoArray(s, so + MODES * LANES + m);
            sum = load(k, ko + 12 * LANES + m).fma(im, load(k, ko + 8 * LANES + m).fma(re, sum));
        }
        sum.intoArray(y, xo + t * LANES);
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
