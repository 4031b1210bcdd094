package dev.longspan.kernel.scalar;

import dev.longspan.kernel.Moments;
import dev.longspan.kernel.TimestepNormKernel;
import dev.longspan.kernel.TimestepNormPlan;
import dev.longspan.kernel.Timesteps;
import dev.longspan.parallel.Parallel;
import dev.longspan.parallel.Scratch;
import dev.longspan.tensor.Tensor;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** A group of channels at a time, all sequences and rows in order. */
final class ScalarTimestepNorm implements TimestepNormKernel {

    @Override
    public void forward(Parallel parallel, TimestepNormPlan plan, Tensor x, @Nullable Tensor weight, @Nullable Tensor bias,
            Moments fresh, @Nullable Moments start, Tensor y, Moments last, @Nullable Tensor means, @Nullable Tensor rstds) {
        int rows = Math.toIntExact(x.size(1));
        int d = Math.toIntExact(x.size(2) / fresh.groups());
        Reals xs = new Reals(x);
        Reals ys = new Reals(y);
        for (long b = 0; b < x.size(0); b++) {
            long seq = b;
            Timesteps steps = steps(plan, b, rows, fresh, start);
            last.count().slice(0, b, b + 1).set(new long[] {rows == 0 ? startCount(fresh, start, b) : steps.counts()[rows - 1]});
            parallel.forEach(fresh.groups(), (g, scratch) -> {
                double[] w = row(weight, g * d, d, 1, plan.weightOffset(), scratch, 0);
                double[] shift = row(bias, g * d, d, 0, 0, scratch, 1);
                double[] v = scratch.doubles(2, d);
                double mean = start == null ? fresh.mean().get(0, g) : start.mean().get(seq, g);
                double var = start == null ? fresh.var().get(0, g) : start.var().get(seq, g);
                for (int t = 0; t < rows; t++) {
                    if (steps.fresh()[t]) {
                        mean = fresh.mean().get(0, g);
                        var = fresh.var().get(0, g);
                    }
                    long at = ((seq * rows + t) * fresh.groups() + g) * d;
                    double rstd = 0;
                    if (steps.padded()[t]) {
                        Arrays.fill(v, 0, d, 0);
                    } else {
                        xs.load(x.offset() + at, v, d);
                        double u = mean(v, d);
                        double m = steps.counts()[t];
                        var = (m - 1) / m * var + variance(v, u, d) / m + (m - 1) / m / m * (u - mean) * (u - mean);
                        mean += (u - mean) / m;
                        rstd = 1 / Math.sqrt(var + plan.eps());
                        for (int j = 0; j < d; j++) {
                            v[j] = (v[j] - mean) * rstd * w[j] + shift[j];
                        }
                    }
                    ys.store(y.offset() + at, v, 0, d);
                    if (means != null && rstds != null) {
                        long moment = (seq * rows + t) * fresh.groups() + g;
                        new Reals(means).set(means.offset() + moment, mean);
                        new Reals(rstds).set(rstds.offset() + moment, rstd);
                    }
                }
                set(last.mean(), seq, g, mean);
                set(last.var(), seq, g, var);
            });
        }
    }

    /**
     * With du, dv the gradients of the moments after row t, g = dy ⊙ w and r the rstd: {@code a = du − r·Σg},
     * {@code b = dv − ½r³·Σg·(x − mean)}, then through u, v and the moments before. A padded row passes du and dv on.
     */
    @Override
    public void backward(Parallel parallel, TimestepNormPlan plan, Tensor x, @Nullable Tensor weight, Moments fresh,
            @Nullable Moments start, Tensor means, Tensor rstds, Tensor dy, MomentGradients dLast, @Nullable Tensor dx,
            @Nullable Tensor dWeight, @Nullable Tensor dBias, MomentGradients dFresh, MomentGradients dStart) {
        int rows = Math.toIntExact(x.size(1));
        long groups = fresh.groups();
        int d = Math.toIntExact(x.size(2) / groups);
        Reals xs = new Reals(x);
        Reals dys = new Reals(dy);
        for (long b = 0; b < x.size(0); b++) {
            long seq = b;
            Timesteps steps = steps(plan, b, rows, fresh, start);
            parallel.forEach(groups, (g, scratch) -> {
                double[] w = row(weight, g * d, d, 1, plan.weightOffset(), scratch, 0);
                double[] v = scratch.doubles(1, d);
                double[] grad = scratch.doubles(2, d);
                double[] dw = zeros(scratch, 3, d);
                double[] db = zeros(scratch, 4, d);
                double first = start == null ? fresh.mean().get(0, g) : start.mean().get(seq, g);
                double dMean = dLast.mean() == null ? 0 : dLast.mean().get(seq, g);
                double dVar = dLast.var() == null ? 0 : dLast.var().get(seq, g);
                for (int t = rows - 1; t >= 0; t--) {
                    if (!steps.padded()[t]) {
                        long at = ((seq * rows + t) * groups + g) * d;
                        xs.load(x.offset() + at, v, d);
                        dys.load(dy.offset() + at, grad, d);
                        double mean = means.get(seq, t, g);
                        double r = rstds.get(seq, t, g);
                        double before = steps.fresh()[t] ? fresh.mean().get(0, g)
                                : t == 0 ? first : means.get(seq, t - 1, g);
                        double u = mean(v, d);
                        double c2 = 1.0 / steps.counts()[t];
                        double c1 = 1 - c2;
                        double sum = 0;
                        double product = 0;
                        for (int j = 0; j < d; j++) {
                            dw[j] += grad[j] * (v[j] - mean) * r;
                            db[j] += grad[j];
                            grad[j] *= w[j];
                            sum += grad[j];
                            product += grad[j] * (v[j] - mean);
                        }
                        double dMeanHere = dMean - r * sum;
                        double dVarHere = dVar - 0.5 * r * r * r * product;
                        double between = 2 * c1 * c2 * dVarHere * (u - before);
                        for (int j = 0; j < d; j++) {
                            grad[j] = grad[j] * r + (c2 * dMeanHere + between) / d + 2 * c2 * dVarHere / d * (v[j] - u);
                        }
                        if (dx != null) {
                            new Reals(dx).add(dx.offset() + at, grad, 0, d);
                        }
                        dMean = c1 * dMeanHere - between;
                        dVar = c1 * dVarHere;
                    }
                    if (steps.fresh()[t]) {
                        add(dFresh, 0, g, dMean, dVar);
                        dMean = 0;
                        dVar = 0;
                    }
                }
                add(start == null ? dFresh : dStart, start == null ? 0 : seq, g, dMean, dVar);
                if (dWeight != null) {
                    new Reals(dWeight).add(dWeight.offset() + g * d, dw, 0, d);
                }
                if (dBias != null) {
                    new Reals(dBias).add(dBias.offset() + g * d, db, 0, d);
                }
            });
        }
    }

    private static Timesteps steps(TimestepNormPlan plan, long b, int rows, Moments fresh, @Nullable Moments start) {
        return Timesteps.of(plan, b, rows, startCount(fresh, start, b), (long) fresh.count().get(0));
    }

    private static long startCount(Moments fresh, @Nullable Moments start, long b) {
        return (long) (start == null ? fresh.count().get(0) : start.count().get(b));
    }

    private static double mean(double[] v, int d) {
        double sum = 0;
        for (int j = 0; j < d; j++) {
            sum += v[j];
        }
        return sum / d;
    }

    private static double variance(double[] v, double mean, int d) {
        double sum = 0;
        for (int j = 0; j < d; j++) {
            sum += (v[j] - mean) * (v[j] - mean);
        }
        return sum / d;
    }

    private static void set(Tensor t, long b, long g, double value) {
        new Reals(t).set(t.offset() + b * t.size(1) + g, value);
    }

    private static void add(MomentGradients to, long b, long g, double dMean, double dVar) {
        if (to.mean() != null) {
            set(to.mean(), b, g, to.mean().get(b, g) + dMean);
        }
        if (to.var() != null) {
            set(to.var(), b, g, to.var().get(b, g) + dVar);
        }
    }

    private static double[] row(@Nullable Tensor values, long from, int d, double otherwise, double offset, Scratch scratch,
            int slot) {
        double[] row = scratch.doubles(slot, d);
        if (values == null) {
            Arrays.fill(row, 0, d, otherwise);
        } else {
            new Reals(values).load(values.offset() + from, row, d);
            for (int j = 0; j < d; j++) {
                row[j] += offset;
            }
        }
        return row;
    }

    private static double[] zeros(Scratch scratch, int slot, int d) {
        double[] row = scratch.doubles(slot, d);
        Arrays.fill(row, 0, d, 0);
        return row;
    }
}
