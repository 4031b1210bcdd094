package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.LANES;
import static dev.longspan.kernel.vector.Lanes.ORDER;
import static dev.longspan.kernel.vector.Lanes.SPECIES;

import dev.longspan.kernel.Moments;
import dev.longspan.kernel.TimestepNormKernel.MomentGradients;
import dev.longspan.kernel.TimestepNormPlan;
import dev.longspan.kernel.Timesteps;
import dev.longspan.parallel.Scratch;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import org.jspecify.annotations.Nullable;

/**
 * A block of rows at a time, from the last: with g = dy ⊙ w, the sums {@code Σg} and {@code Σg·(x − mean)}, then the gradients of
 * the running moments backwards in double, then {@code dx = r·g + α + β·(x − u)}.
 */
final class TimestepNormBackward {

    private static final int BLOCK = 32;

    private final double weightOffset;
    private final long batch;
    private final Tensor x;
    private final @Nullable Tensor weight;
    private final Moments fresh;
    private final @Nullable Moments start;
    private final Tensor means;
    private final Tensor rstds;
    private final Tensor dy;
    private final MomentGradients dLast;
    private final @Nullable Tensor dx;
    private final @Nullable Tensor dWeight;
    private final @Nullable Tensor dBias;
    private final MomentGradients dFresh;
    private final MomentGradients dStart;
    private final Timesteps steps;
    private final int rows;
    private final int groups;
    private final int d;

    TimestepNormBackward(TimestepNormPlan plan, Timesteps steps, long batch, Tensor x, @Nullable Tensor weight,
            Moments fresh, @Nullable Moments start, Tensor means, Tensor rstds, Tensor dy, MomentGradients dLast, @Nullable Tensor dx,
            @Nullable Tensor dWeight, @Nullable Tensor dBias, MomentGradients dFresh, MomentGradients dStart) {
        this.weightOffset = plan.weightOffset();
        this.batch = batch;
        this.x = x;
        this.weight = weight;
        this.fresh = fresh;
        this.start = start;
        this.means = means;
        this.rstds = rstds;
        this.dy = dy;
        this.dLast = dLast;
        this.dx = dx;
        this.dWeight = dWeight;
        this.dBias = dBias;
        this.dFresh = dFresh;
        this.dStart = dStart;
        rows = Math.toIntExact(x.size(1));
        groups = Math.toIntExact(fresh.groups());
        d = Math.toIntExact(x.size(2)) / groups;
        this.steps = steps;
    }

    /** What a block of rows of some groups needs; mean has a row more, the moments before the block. */
    private record Block(double[] mean, double[] rstd, double[] u, double[] level, double[] slope, float[] pairs, float[] sum,
            float[] product) {
        static Block of(Scratch scratch, int n) {
            int all = Math.ceilDiv(BLOCK * n, PairSums.HALF) * PairSums.HALF;
            return new Block(scratch.doubles(4, (BLOCK + 1) * n), scratch.doubles(5, BLOCK * n), scratch.doubles(6, BLOCK * n),
                    scratch.doubles(8, BLOCK * n), scratch.doubles(9, BLOCK * n), scratch.floats(3, PairSums.length(all)),
                    scratch.floats(4, PairSums.sums(all)), scratch.floats(5, PairSums.sums(all)));
        }
    }

    void run(int first, int n, Scratch scratch) {
        int width = n * d;
        float[] w = GroupRows.parameter(weight, first * d, width, 1, weightOffset, scratch, 0);
        float[] dw = zeros(scratch.floats(1, width + LANES));
        float[] db = zeros(scratch.floats(2, width + LANES));
        double[] dwTotal = scratch.doubles(0, width);
        double[] dbTotal = scratch.doubles(1, width);
        Arrays.fill(dwTotal, 0, width, 0);
        Arrays.fill(dbTotal, 0, width, 0);
        double[] dMean = gradient(dLast.mean(), first, n, scratch.doubles(2, n));
        double[] dVar = gradient(dLast.var(), first, n, scratch.doubles(3, n));
        Block block = Block.of(scratch, n);
        MemorySegment xs = GroupRows.memory(x);
        MemorySegment dys = GroupRows.memory(dy);
        for (int row = (rows - 1) / BLOCK * BLOCK; row >= 0; row -= BLOCK) {
            int count = Math.min(BLOCK, rows - row);
            load(block, row, count, first, n, scratch);
            for (int t = 0; t < count; t++) {
                if (!steps.padded()[row + t]) {
                    sums(xs, place(x, row + t, first), dys, place(dy, row + t, first), n, d, t, block, w, dw, db);
                }
            }
            PairSums.sum(Math.ceilDiv(count * n, PairSums.HALF) * PairSums.HALF, block.pairs, block.sum, block.product);
            goBack(block, row, count, first, n, dMean, dVar, scratch);
            if (dx != null) {
                MemorySegment dxs = GroupRows.memory(dx);
                for (int t = 0; t < count; t++) {
                    if (!steps.padded()[row + t]) {
                        addInputGradient(xs, place(x, row + t, first), dys, place(dy, row + t, first), n, d, t, block, w, dxs,
                                place(dx, row + t, first));
                    }
                }
            }
            fold(dw, dwTotal, width);
            fold(db, dbTotal, width);
        }
        MomentGradients to = start == null ? dFresh : dStart;
        for (int g = 0; g < n; g++) {
            long at = (start == null ? 0 : batch * groups) + first + g;
            GroupRows.add(to.mean(), at, dMean[g]);
            GroupRows.add(to.var(), at, dVar[g]);
        }
        GroupRows.add(dWeight, (long) first * d, width, dwTotal, 0);
        GroupRows.add(dBias, (long) first * d, width, dbTotal, 0);
    }

    private long place(Tensor t, int row, int first) {
        return (t.offset() + (batch * rows + row) * t.size(2) + (long) first * d) * 4;
    }

    /** Means before and after each row, and the factors. */
    private void load(Block block, int row, int count, int first, int n, Scratch scratch) {
        double[] one = scratch.doubles(12, n);
        if (row == 0) {
            Moments before = start == null ? fresh : start;
            GroupRows.load(before.mean(), (start == null ? 0 : batch * groups) + first, n, block.mean);
        } else {
            GroupRows.load(means, (batch * rows + row - 1) * groups + first, n, block.mean);
        }
        for (int t = 0; t < count; t++) {
            long at = (batch * rows + row + t) * groups + first;
            GroupRows.load(means, at, n, one);
            System.arraycopy(one, 0, block.mean, (t + 1) * n, n);
            GroupRows.load(rstds, at, n, one);
            System.arraycopy(one, 0, block.rstd, t * n, n);
        }
    }

    /** {@code Σg} and {@code Σg·(x − mean)} of each group of a row; {@code dw += dy·(x − mean)·r}, {@code db += dy}. */
    private static void sums(MemorySegment x, long xo, MemorySegment dy, long dyo, int n, int d, int t, Block block, float[] w,
            float[] dw, float[] db) {
        int whole = Lanes.whole(d);
        VectorMask<Float> tail = Lanes.first(d - whole);
        for (int g = 0; g < n; g++) {
            double mean = block.mean[(t + 1) * n + g];
            float high = (float) mean;
            float low = (float) (mean - high);
            float r = (float) block.rstd[t * n + g];
            FloatVector sum = FloatVector.zero(SPECIES);
            FloatVector product = FloatVector.zero(SPECIES);
            for (int c = g * d; c < g * d + whole; c += LANES) {
                FloatVector grad = FloatVector.fromMemorySegment(SPECIES, dy, dyo + c * 4L, ORDER);
                FloatVector from = FloatVector.fromMemorySegment(SPECIES, x, xo + c * 4L, ORDER).sub(high).sub(low);
                FloatVector weighted = grad.mul(FloatVector.fromArray(SPECIES, w, c));
                sum = sum.add(weighted);
                product = weighted.fma(from, product);
                parameters(grad, from.mul(r), c, dw, db);
            }
            if (whole < d) {
                int c = g * d + whole;
                FloatVector grad = FloatVector.fromMemorySegment(SPECIES, dy, dyo + c * 4L, ORDER, tail);
                FloatVector from = FloatVector.fromMemorySegment(SPECIES, x, xo + c * 4L, ORDER, tail).sub(high, tail)
                        .sub(low, tail);
                FloatVector weighted = grad.mul(FloatVector.fromArray(SPECIES, w, c));
                sum = sum.add(weighted);
                product = weighted.fma(from, product);
                parameters(grad, from.mul(r), c, dw, db);
            }
            PairSums.store(sum, product, block.pairs, t * n + g);
        }
    }

    /** One vector of a row; lanes past the group are zeros. */
    private static void parameters(FloatVector dy, FloatVector normal, int c, float[] dw, float[] db) {
        dy.fma(normal, FloatVector.fromArray(SPECIES, dw, c)).intoArray(dw, c);
        dy.add(FloatVector.fromArray(SPECIES, db, c)).intoArray(db, c);
    }

    /** Gradients of the moments before each row, and with them α (level) and β (slope) of its channels. */
    private void goBack(Block block, int row, int count, int first, int n, double[] dMean, double[] dVar, Scratch scratch) {
        double[] prior = scratch.doubles(12, n);
        GroupRows.load(fresh.mean(), first, n, prior);
        for (int t = count - 1; t >= 0; t--) {
            boolean isFresh = steps.fresh()[row + t];
            if (!steps.padded()[row + t]) {
                double c2 = 1.0 / steps.counts()[row + t];
                double c1 = 1 - c2;
                for (int g = 0; g < n; g++) {
                    int i = t * n + g;
                    double r = block.rstd[i];
                    double before = isFresh ? prior[g] : block.mean[i];
                    double a = dMean[g] - r * block.sum[i];
                    double b = dVar[g] - 0.5 * r * r * r * block.product[i];
                    // u − before from the step that the mean took: exact to count · 2⁻⁵².
                    double off = (block.mean[i + n] - before) * steps.counts()[row + t];
                    double between = 2 * c1 * c2 * b * off;
                    block.u[i] = before + off;
                    block.level[i] = (c2 * a + between) / d;
                    block.slope[i] = 2 * c2 * b / d;
                    dMean[g] = c1 * a - between;
                    dVar[g] = c1 * b;
                }
            }
            if (isFresh) {
                for (int g = 0; g < n; g++) {
                    GroupRows.add(dFresh.mean(), first + g, dMean[g]);
                    GroupRows.add(dFresh.var(), first + g, dVar[g]);
                    dMean[g] = 0;
                    dVar[g] = 0;
                }
            }
        }
    }

    /** {@code dx += r·g + α + β·(x − u)}. */
    private static void addInputGradient(MemorySegment x, long xo, MemorySegment dy, long dyo, int n, int d, int t, Block block,
            float[] w, MemorySegment dx, long dxo) {
        int whole = Lanes.whole(d);
        VectorMask<Float> tail = Lanes.first(d - whole);
        for (int g = 0; g < n; g++) {
            int at = t * n + g;
            float high = (float) block.u[at];
            float low = (float) (block.u[at] - high);
            FloatVector level = FloatVector.broadcast(SPECIES, (float) block.level[at]);
            FloatVector slope = FloatVector.broadcast(SPECIES, (float) block.slope[at]);
            FloatVector r = FloatVector.broadcast(SPECIES, (float) block.rstd[at]);
            for (int c = g * d; c < g * d + whole; c += LANES) {
                FloatVector grad = FloatVector.fromMemorySegment(SPECIES, dy, dyo + c * 4L, ORDER)
                        .mul(FloatVector.fromArray(SPECIES, w, c));
                FloatVector from = FloatVector.fromMemorySegment(SPECIES, x, xo + c * 4L, ORDER).sub(high).sub(low);
                grad.fma(r, from.fma(slope, level)).add(FloatVector.fromMemorySegment(SPECIES, dx, dxo + c * 4L, ORDER))
                        .intoMemorySegment(dx, dxo + c * 4L, ORDER);
            }
            if (whole < d) {
                int c = g * d + whole;
                FloatVector grad = FloatVector.fromMemorySegment(SPECIES, dy, dyo + c * 4L, ORDER, tail)
                        .mul(FloatVector.fromArray(SPECIES, w, c));
                FloatVector from = FloatVector.fromMemorySegment(SPECIES, x, xo + c * 4L, ORDER, tail).sub(high).sub(low);
                grad.fma(r, from.fma(slope, level)).add(FloatVector.fromMemorySegment(SPECIES, dx, dxo + c * 4L, ORDER, tail))
                        .intoMemorySegment(dx, dxo + c * 4L, ORDER, tail);
            }
        }
    }

    private double[] gradient(@Nullable Tensor of, int first, int n, double[] to) {
        if (of == null) {
            Arrays.fill(to, 0, n, 0);
        } else {
            GroupRows.load(of, batch * groups + first, n, to);
        }
        return to;
    }

    private static float[] zeros(float[] values) {
        Arrays.fill(values, 0f);
        return values;
    }

    private static void fold(float[] sums, double[] totals, int n) {
        for (int i = 0; i < n; i++) {
            totals[i] += sums[i];
            sums[i] = 0;
        }
    }
}
