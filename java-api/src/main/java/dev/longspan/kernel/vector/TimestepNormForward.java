package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.LANES;
import static dev.longspan.kernel.vector.Lanes.SPECIES;

import dev.longspan.kernel.Moments;
import dev.longspan.kernel.TimestepNormPlan;
import dev.longspan.kernel.Timesteps;
import dev.longspan.parallel.Scratch;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import org.jspecify.annotations.Nullable;

/**
 * A block of rows at a time: the groups' own moments, then the running ones in double, then the normalised rows. Sums are
 * taken of {@code x − x₀}, x₀ the group's first channel, and the mean is subtracted in two parts: float32 rows of 1000 ± 0.1
 * keep their precision.
 */
final class TimestepNormForward {

    private static final int BLOCK = 32;
    private static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE_UNALIGNED;

    private final double eps;
    private final double weightOffset;
    private final long batch;
    private final Tensor x;
    private final @Nullable Tensor weight;
    private final @Nullable Tensor bias;
    private final Moments fresh;
    private final @Nullable Moments start;
    private final Tensor y;
    private final Moments last;
    private final @Nullable Tensor means;
    private final @Nullable Tensor rstds;
    private final Timesteps steps;
    private final int rows;
    private final int groups;
    private final int d;

    TimestepNormForward(TimestepNormPlan plan, long batch, Tensor x, @Nullable Tensor weight, @Nullable Tensor bias,
            Moments fresh, @Nullable Moments start, Tensor y, Moments last, @Nullable Tensor means, @Nullable Tensor rstds) {
        this.eps = plan.eps();
        this.weightOffset = plan.weightOffset();
        this.batch = batch;
        this.x = x;
        this.weight = weight;
        this.bias = bias;
        this.fresh = fresh;
        this.start = start;
        this.y = y;
        this.last = last;
        this.means = means;
        this.rstds = rstds;
        rows = Math.toIntExact(x.size(1));
        groups = Math.toIntExact(fresh.groups());
        d = Math.toIntExact(x.size(2)) / groups;
        long count = start == null ? fresh.count().toLongs()[0] : start.count().toLongs()[(int) batch];
        steps = Timesteps.of(plan, batch, rows, count, fresh.count().toLongs()[0]);
        last.count().slice(0, batch, batch + 1).set(new long[] {rows == 0 ? count : steps.counts()[rows - 1]});
    }

    void run(int first, int n, Scratch scratch) {
        int width = n * d;
        float[] w = GroupRows.parameter(weight, first * d, width, 1, weightOffset, scratch, 0);
        float[] shift = GroupRows.parameter(bias, first * d, width, 0, 0, scratch, 1);
        float[] values = scratch.floats(2, BLOCK * width + LANES);
        float[] sums = scratch.floats(3, n * Math.ceilDiv(d, LANES) * LANES);
        float[] high = scratch.floats(4, BLOCK * n);
        float[] low = scratch.floats(5, BLOCK * n);
        float[] r = scratch.floats(6, BLOCK * n);
        double[] mean = scratch.doubles(0, n);
        double[] var = scratch.doubles(1, n);
        double[] u = scratch.doubles(2, BLOCK * n);
        double[] v = scratch.doubles(3, BLOCK * n);
        GroupRows.moments(start == null ? fresh : start, start == null ? 0 : batch, first, n, mean, var);
        MemorySegment from = GroupRows.memory(x);
        MemorySegment to = GroupRows.memory(y);
        for (int row = 0; row < rows; row += BLOCK) {
            int count = Math.min(BLOCK, rows - row);
            for (int t = 0; t < count; t++) {
                GroupRows.load(from, place(x, row + t, first), values, t * width, width);
                GroupRows.ownMoments(values, t * width, n, d, sums, u, v, t * n);
            }
            advance(row, count, first, n, mean, var, u, v);
            split(count * n, u, v, eps, high, low, r);
            if (means != null && rstds != null) {
                keep(row, count, first, n, u, v);
            }
            for (int t = 0; t < count; t++) {
                if (steps.padded()[row + t]) {
                    Arrays.fill(values, t * width, (t + 1) * width, 0f);
                } else {
                    normalize(values, t * width, n, d, high, low, r, t * n, w, shift);
                }
                GroupRows.store(values, t * width, to, place(y, row + t, first), width);
            }
        }
        for (int g = 0; g < n; g++) {
            GroupRows.set(last.mean(), batch * groups + first + g, mean[g]);
            GroupRows.set(last.var(), batch * groups + first + g, var[g]);
        }
    }

    private long place(Tensor t, int row, int first) {
        return t.offset() + (batch * rows + row) * t.size(2) + (long) first * d;
    }

    /** Running moments over a block: u and v become the mean and the variance after each row. */
    private void advance(int row, int count, int first, int n, double[] mean, double[] var, double[] u, double[] v) {
        for (int t = 0; t < count; t++) {
            if (steps.fresh()[row + t]) {
                GroupRows.moments(fresh, 0, first, n, mean, var);
            }
            if (!steps.padded()[row + t]) {
                update(n, 1.0 / steps.counts()[row + t], mean, var, u, v, t * n);
            }
            for (int g = 0; g < n; g++) {
                u[t * n + g] = mean[g];
                v[t * n + g] = var[g];
            }
        }
    }

    /** {@code u = high + low}, and v becomes {@code r = 1/√(v + ε)}. */
    private static void split(int n, double[] u, double[] v, double eps, float[] high, float[] low, float[] r) {
        for (int i = 0; i < n; i++) {
            v[i] = 1 / Math.sqrt(v[i] + eps);
        }
        for (int i = 0; i < n; i++) {
            high[i] = (float) u[i];
            low[i] = (float) (u[i] - (float) u[i]);
            r[i] = (float) v[i];
        }
    }

    private void keep(int row, int count, int first, int n, double[] mean, double[] rstd) {
        for (int t = 0; t < count && means != null && rstds != null; t++) {
            long at = (batch * rows + row + t) * groups + first;
            MemorySegment.copy(mean, t * n, means.segment(), DOUBLE, (means.offset() + at) * 8, n);
            MemorySegment.copy(rstd, t * n, rstds.segment(), DOUBLE, (rstds.offset() + at) * 8, n);
        }
    }

    private static void update(int n, double c2, double[] mean, double[] var, double[] u, double[] v, int at) {
        double c1 = 1 - c2;
        for (int g = 0; g < n; g++) {
            double delta = u[at + g] - mean[g];
            var[g] = c1 * var[g] + c2 * v[at + g] + c1 * c2 * delta * delta;
            mean[g] += c2 * delta;
        }
    }

    /** {@code x ← ((x − high) − low)·r·w + shift}: a row's groups. */
    private static void normalize(float[] x, int xo, int n, int d, float[] high, float[] low, float[] r, int at, float[] w,
            float[] shift) {
        if (d == LANES) {
            for (int g = 0; g < n; g++) {
                int c = g * LANES;
                FloatVector.fromArray(SPECIES, x, xo + c).sub(high[at + g]).sub(low[at + g]).mul(r[at + g])
                        .fma(FloatVector.fromArray(SPECIES, w, c), FloatVector.fromArray(SPECIES, shift, c))
                        .intoArray(x, xo + c);
            }
            return;
        }
        for (int g = 0; g < n; g++) {
            for (int i = 0; i < d; i += LANES) {
                int c = g * d + i;
                VectorMask<Float> in = Lanes.first(d - i);
                FloatVector.fromArray(SPECIES, x, xo + c, in).sub(high[at + g]).sub(low[at + g]).mul(r[at + g])
                        .fma(FloatVector.fromArray(SPECIES, w, c), FloatVector.fromArray(SPECIES, shift, c))
                        .intoArray(x, xo + c, in);
            }
        }
    }
}
