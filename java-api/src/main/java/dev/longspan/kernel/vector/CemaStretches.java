package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.LANES;
import static dev.longspan.kernel.vector.Lanes.SPECIES;

import dev.longspan.kernel.ScanPlan;
import jdk.incubator.vector.FloatVector;

/**
 * What a CEMA does for one vector of channels in up to {@link #MOST} stretches of T steps, T = {@link #STEPS} but for the
 * last steps before the state is forgotten or ends. Inputs x[b][i] have a vector a step, T of them at {@code b · STEPS}; values
 * v[n][b] of a mode and a stretch are complex, a row of real and one of imaginary parts, [2n][b] and [2n + 1][b]; coefficients
 * lie as {@link CemaTable} has them.
 */
final class CemaStretches {

    /** T: one rounding of a state, which is also the length of the sums that take its place. */
    static final int STEPS = 16;
    static final int MOST = ScanPlan.BLOCK / STEPS;
    /** Floats between stretches. */
    static final int STRETCH = STEPS * CemaRows.ROW;
    /** Floats of a row of values, one a stretch. */
    static final int VALUES = MOST * LANES;
    /** Rows of sums of a mode: F, E and C, complex. */
    static final int SUMS = 6;

    private static final int ROW = CemaRows.ROW;
    private static final boolean WIDE = Lanes.BITS == 512;

    private CemaStretches() {
    }

    /** {@code to[b][i] = (first + step · i)·x[b][i]}. */
    static void weigh(int count, int steps, float first, float step, float[] x, float[] to, int at) {
        for (int b = 0; b < count; b++) {
            for (int i = 0; i < steps; i++) {
                load(x, at + b * STRETCH + i * ROW).mul(first + step * i).intoArray(to, at + b * STRETCH + i * ROW);
            }
        }
    }

    /** {@code to[n][b] = Σᵢ qⁱ·x[b][i]} for i to {@code steps − 1}, the powers from {@code qo} on. */
    static void project(int modes, int count, int steps, float[] q, int qo, float[] x, int xo, float[] to) {
        int tiles = tiles(modes);
        int b = 0;
        for (; b + 4 <= count; b += 4) {
            CemaTiles.project4x4(0, tiles, steps, q, qo, x, xo + b * STRETCH, to, b * LANES);
            CemaTiles.project4x2(tiles, 2 * modes, steps, q, qo, x, xo + b * STRETCH, to, b * LANES);
        }
        for (; b < count; b++) {
            CemaTiles.project1x2(0, 2 * modes, steps, q, qo, x, xo + b * STRETCH, to, b * LANES);
        }
    }

    /** {@code to[n][b] = Σᵢ qⁱ·x[b][steps − 1 − i]}. */
    static void projectBack(int modes, int count, int steps, float[] q, int qo, float[] x, int xo, float[] to, int at) {
        int tiles = tiles(modes);
        int last = xo + (steps - 1) * ROW;
        int b = 0;
        for (; b + 4 <= count; b += 4) {
            CemaTiles.projectBack4x4(0, tiles, steps, q, qo, x, last + b * STRETCH, to, at + b * LANES);
            CemaTiles.projectBack4x2(tiles, 2 * modes, steps, q, qo, x, last + b * STRETCH, to, at + b * LANES);
        }
        for (; b < count; b++) {
            CemaTiles.projectBack1x2(0, 2 * modes, steps, q, qo, x, last + b * STRETCH, to, at + b * LANES);
        }
    }

    /** Rows that run by four: where there are 32 registers. */
    private static int tiles(int modes) {
        return WIDE ? 2 * modes & -4 : 0;
    }

    /** {@code s ← qᵀ⊙s + v[b]} for one stretch after the other; each v[b] becomes the state before it. */
    static void states(CemaTable k, int vector, int count, int steps, float[] v, int vo, float[] s, int so) {
        int q = k.powersAt(vector, steps);
        int low = k.lowAt(vector, steps);
        int pairs = pairs(k.modes);
        CemaTiles.states2(0, pairs, count, k.powers, q, k.low, low, v, vo, s, so);
        CemaTiles.states1(pairs, k.modes, count, k.powers, q, k.low, low, v, vo, s, so);
    }

    /** {@link #states}, but each v[b] becomes the conjugate of {@code c⊙s}. */
    static void weightedStates(CemaTable k, int vector, int count, int steps, float[] v, float[] s, int so) {
        int q = k.powersAt(vector, steps);
        int low = k.lowAt(vector, steps);
        int pairs = pairs(k.modes);
        CemaTiles.forward2(0, pairs, count, k.powers, q, k.low, low, k.c, k.cAt(vector), v, s, so);
        CemaTiles.forward1(pairs, k.modes, count, k.powers, q, k.low, low, k.c, k.cAt(vector), v, s, so);
    }

    /** {@code z ← conj(qᵀ)⊙z + conj(c⊙g[b])} from the last stretch to the first; v[b] becomes the z before it. */
    static void gradients(CemaTable k, int vector, int count, int steps, float[] g, float[] v, float[] z, int zo) {
        int q = k.powersAt(vector, steps);
        int low = k.lowAt(vector, steps);
        int pairs = pairs(k.modes);
        CemaTiles.back2(0, pairs, count, k.powers, q, k.low, low, k.c, k.cAt(vector), g, v, z, zo);
        CemaTiles.back1(pairs, k.modes, count, k.powers, q, k.low, low, k.c, k.cAt(vector), g, v, z, zo);
    }

    /**
     * {@code y[b][t] += Σₙ Re(qⁱ⊙v̄[n][b])}, where q's power i is that of {@code qo} in the first step and one more, or with
     * {@code back} one less, in each after it.
     */
    static void expand(int modes, int count, int steps, boolean back, float[] q, int qo, float[] v, float[] y, int yo) {
        int step = back ? -LANES : LANES;
        int b = 0;
        for (; steps == STEPS && b + 4 <= count; b += 4) {
            for (int t = 0; t < STEPS; t += WIDE ? 4 : 2) {
                if (WIDE) {
                    CemaTiles.expand4x4(2 * modes, q, qo + t * step, step, v, b * LANES, y, yo + b * STRETCH + t * ROW);
                } else {
                    CemaTiles.expand4x2(2 * modes, q, qo + t * step, step, v, b * LANES, y, yo + b * STRETCH + t * ROW);
                }
            }
        }
        for (; b < count; b++) {
            for (int t = 0; t < steps; t++) {
                CemaTiles.expand1x1(2 * modes, q, qo + t * step, step, v, b * LANES, y, yo + b * STRETCH + t * ROW);
            }
        }
    }

    /** {@code y[b][t] (+)= Σᵢ k[i]·x[b][t + i]}, or with {@code back} {@code Σᵢ k[i]·x[b][t − i]}. */
    static void respond(int count, int steps, boolean back, boolean add, float[] k, int ko, float[] x, float[] y, int at) {
        if (steps == STEPS && back) {
            CemaTiles.respondBack16(count, add, k, ko, x, y, at + (STEPS - 1) * ROW);
        } else if (steps == STEPS) {
            CemaTiles.respond16(count, add, k, ko, x, y, at);
        } else {
            for (int t = 0; t < steps; t++) {
                FloatVector sum = add ? load(y, at + t * ROW) : FloatVector.zero(SPECIES);
                for (int i = 0; i <= (back ? t : steps - 1 - t); i++) {
                    sum = load(k, ko + i * LANES).fma(load(x, at + (back ? t - i : t + i) * ROW), sum);
                }
                sum.intoArray(y, at + t * ROW);
            }
        }
    }

    /** {@code sums[i] += Σ x[b][t − i]·dy[b][t]} over stretches and their steps t from i on. */
    static void correlate(int count, int steps, float[] x, float[] dy, int from, float[] sums, int uo) {
        for (int i = 0; i < steps; i++) {
            FloatVector even = load(sums, uo + i * LANES);
            FloatVector odd = FloatVector.zero(SPECIES);
            int b = 0;
            for (; b + 2 <= count; b += 2) {
                for (int t = i; t < steps; t++) {
                    int at = from + b * STRETCH + t * ROW;
                    even = load(x, at - i * ROW).fma(load(dy, at), even);
                    odd = load(x, at + STRETCH - i * ROW).fma(load(dy, at + STRETCH), odd);
                }
            }
            for (int t = i; t < steps && b < count; t++) {
                int at = from + b * STRETCH + t * ROW;
                even = load(x, at - i * ROW).fma(load(dy, at), even);
            }
            even.add(odd).intoArray(sums, uo + i * LANES);
        }
    }

    /**
     * {@code F += Σ z̄⊙(T·qᵀ⁻¹⊙s + h)}, {@code E += Σ s⊙e}, {@code C += Σ s⊙g} over stretches, for each mode: s is the state
     * before one, z the gradient of the one behind it; the power lies at {@code qo}.
     */
    static void sum(int modes, int count, int steps, float[] q, int qo, float[] s, int so, float[] z, float[] h, float[] e,
            float[] g, float[] sums, int uo) {
        for (int n = 0; n < modes; n++) {
            int un = uo + n * SUMS * LANES;
            FloatVector qr = load(q, qo + 2 * n * CemaTable.POWERS).mul(steps);
            FloatVector qi = load(q, qo + (2 * n + 1) * CemaTable.POWERS).mul(steps);
            FloatVector minus = qi.neg();
            FloatVector fr = load(sums, un);
            FloatVector fi = load(sums, un + LANES);
            FloatVector er = load(sums, un + 2 * LANES);
            FloatVector ei = load(sums, un + 3 * LANES);
            FloatVector cr = load(sums, un + 4 * LANES);
            FloatVector ci = load(sums, un + 5 * LANES);
            for (int at = 2 * n * VALUES; at < 2 * n * VALUES + count * LANES; at += LANES) {
                FloatVector re = load(s, so + at);
                FloatVector im = load(s, so + at + VALUES);
                FloatVector less = im.neg();
                FloatVector a = load(e, at);
                FloatVector b = load(e, at + VALUES);
                er = less.fma(b, re.fma(a, er));
                ei = im.fma(a, re.fma(b, ei));
                a = load(g, at);
                b = load(g, at + VALUES);
                cr = less.fma(b, re.fma(a, cr));
                ci = im.fma(a, re.fma(b, ci));
                a = minus.fma(im, qr.fma(re, load(h, at)));
                b = qi.fma(re, qr.fma(im, load(h, at + VALUES)));
                re = load(z, at);
                im = load(z, at + VALUES);
                fr = im.fma(b, re.fma(a, fr));
                fi = im.neg().fma(a, re.fma(b, fi));
            }
            fr.intoArray(sums, un);
            fi.intoArray(sums, un + LANES);
            er.intoArray(sums, un + 2 * LANES);
            ei.intoArray(sums, un + 3 * LANES);
            cr.intoArray(sums, un + 4 * LANES);
            ci.intoArray(sums, un + 5 * LANES);
        }
    }

    /** Modes that run in pairs: where there are 32 registers. */
    private static int pairs(int modes) {
        return WIDE ? modes & -2 : 0;
    }

    private static FloatVector load(float[] a, int at) {
        return FloatVector.fromArray(SPECIES, a, at);
    }
}
