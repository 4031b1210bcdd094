package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.CemaStretches.STEPS;
import static dev.longspan.kernel.vector.Lanes.LANES;

import dev.longspan.kernel.ScanPlan;
import dev.longspan.parallel.Scratch;
import dev.longspan.tensor.Tensor;
import java.util.Arrays;

/**
 * A CEMA's coefficients for some vectors of channels, in float32: made in double, rounded once. Complex numbers are a vector of
 * real and one of imaginary parts. Missing channels are zeros.
 */
final class CemaTable {

    /** Floats of a row of powers, q⁰ to qᵀ. */
    static final int POWERS = (STEPS + 1) * LANES;
    /** Floats of a vector of {@link #response}. */
    static final int RESPONSE = STEPS * LANES;

    final int modes;
    /** By vector, row 2n of real and 2n + 1 of imaginary parts of mode n, and exponent. */
    final float[] powers;
    /** By vector, exponent from q¹ on and mode: what rounding a power takes away, of those that a chain of states takes. */
    final float[] low;
    /** c, by vector and mode. */
    final float[] c;
    /** What a step gives to those from it on: {@code Re Σ c⊙qⁱ}, and ω to its own; by vector. */
    final float[] response;

    private final int vectors;

    /** For {@code vectors} vectors of channels from channel {@code first} on; takes five slots of floats from {@code slot} on. */
    CemaTable(ScanPlan plan, long rows, Tensor q, Tensor c, Tensor omega, long first, int vectors, Scratch scratch, int slot) {
        this.vectors = vectors;
        modes = Math.toIntExact(q.size(0));
        powers = scratch.floats(slot, vectors * 2 * modes * POWERS);
        low = scratch.floats(slot + 1, vectors * modes * 2 * STEPS * LANES);
        this.c = scratch.floats(slot + 2, vectors * modes * 2 * LANES);
        response = scratch.floats(slot + 3, vectors * RESPONSE);
        int width = vectors * LANES;
        int count = (int) Math.min(width, q.size(2) - first);
        double[] factor = scratch.doubles(0, 2 * width);
        double[] weight = scratch.doubles(1, 2 * width);
        double[] power = scratch.doubles(2, 2 * width);
        double[] sums = scratch.doubles(3, STEPS * width);
        float[] row = scratch.floats(slot + 4, width);
        Arrays.fill(sums, 0, STEPS * width, 0);
        for (int i = 0; i < count; i++) {
            sums[i] = Floats.get(omega, first + i);
        }
        for (int mode = 0; mode < modes; mode++) {
            rows(q, mode, first, count, width, factor);
            rows(c, mode, first, count, width, weight);
            Arrays.fill(power, 0, width, 1);
            Arrays.fill(power, width, 2 * width, 0);
            for (int part = 0; part < 2; part++) {
                round(weight, part * width, row, width);
                scatter(row, this.c, (2 * mode + part) * LANES, 2 * modes * LANES);
            }
            for (int exponent = 0; exponent <= STEPS; exponent++) {
                for (int part = 0; part < 2; part++) {
                    round(power, part * width, row, width);
                    scatter(row, powers, (2 * mode + part) * POWERS + exponent * LANES, 2 * modes * POWERS);
                    if (exponent == STEPS || exponent > 0 && (plan.documents() != null || exponent == rows % STEPS)) {
                        rest(power, part * width, row, width);
                        scatter(row, low, lowAt(0, exponent) + (2 * mode + part) * LANES, modes * 2 * STEPS * LANES);
                    }
                }
                if (exponent < STEPS) {
                    addReal(weight, power, width, sums, exponent * width);
                    multiply(power, factor, width);
                }
            }
        }
        for (int step = 0; step < STEPS; step++) {
            round(sums, step * width, row, width);
            scatter(row, response, step * LANES, RESPONSE);
        }
    }

    /** Place of q to the power of {@code exponent} in a vector's first row. */
    int powersAt(int vector, int exponent) {
        return vector * 2 * modes * POWERS + exponent * LANES;
    }

    int lowAt(int vector, int exponent) {
        return (vector * STEPS + exponent - 1) * modes * 2 * LANES;
    }

    int cAt(int vector) {
        return vector * modes * 2 * LANES;
    }

    int responseAt(int vector) {
        return vector * RESPONSE;
    }

    private static void rows(Tensor t, int mode, long first, int count, int width, double[] to) {
        Arrays.fill(to, 0, 2 * width, 0);
        GroupRows.load(t, 2L * mode * t.size(2) + first, count, to);
        GroupRows.load(t, (2L * mode + 1) * t.size(2) + first, count, to, width);
    }

    /** One channel's q to the power of {@code exponent}, its real (0) or imaginary part (1). */
    float power(int vector, int mode, int exponent, int part, int lane) {
        return powers[powersAt(vector, exponent) + (2 * mode + part) * POWERS + lane];
    }

    /** One channel's c, its real (0) or imaginary part (1). */
    float weight(int vector, int mode, int part, int lane) {
        return c[cAt(vector) + (2 * mode + part) * LANES + lane];
    }

    // Without vectors: this runs too seldom for C2, and until it comes each vector would be an object.

    private static void multiply(double[] power, double[] by, int width) {
        for (int i = 0; i < width; i++) {
            double re = power[i] * by[i] - power[width + i] * by[width + i];
            power[width + i] = power[i] * by[width + i] + power[width + i] * by[i];
            power[i] = re;
        }
    }

    private static void addReal(double[] a, double[] b, int width, double[] sums, int at) {
        for (int i = 0; i < width; i++) {
            sums[at + i] += a[i] * b[i] - a[width + i] * b[width + i];
        }
    }

    private static void round(double[] from, int at, float[] to, int n) {
        for (int i = 0; i < n; i++) {
            to[i] = (float) from[at + i];
        }
    }

    /** What is left of {@code from} behind what {@code to} has. */
    private static void rest(double[] from, int at, float[] to, int n) {
        for (int i = 0; i < n; i++) {
            to[i] = (float) (from[at + i] - to[i]);
        }
    }

    private void scatter(float[] row, float[] to, int at, int stride) {
        for (int v = 0; v < vectors; v++) {
            for (int i = 0; i < LANES; i++) {
                to[at + v * stride + i] = row[v * LANES + i];
            }
        }
    }
}
