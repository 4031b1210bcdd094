package dev.longspan.op;

import dev.longspan.autograd.Pass;
import dev.longspan.kernel.Moments;
import dev.longspan.kernel.TimestepNormKernel.MomentGradients;
import dev.longspan.kernel.TimestepNormPlan;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Normalisation by the moments of all timesteps so far. Ma et al., arXiv 2404.08801, section 3.2. */
public final class TimestepNorm {

    private TimestepNorm() {
    }

    /**
     * Output and moments, all differentiable but the count.
     *
     * @param y [B, L, D]
     * @param last moments after the last row
     */
    public record Result(Tensor y, Moments last) {
    }

    /**
     * {@code y = (x − meanₜ)/√(varₜ + ε)·(weight + offset) + bias} with the moments of rows 0 to t; x: [B, L, D], weight, bias:
     * [D]. Continuing from {@link Result#last} gives what the whole sequence gives, for any partition.
     *
     * @param fresh moments before the first row of a document, of batch 1; see {@link #prior}
     * @param start moments before row 0, of batch B; fresh ones where absent
     */
    public static Result apply(Pass pass, TimestepNormPlan plan, Tensor x, @Nullable Tensor weight, @Nullable Tensor bias,
            Moments fresh, @Nullable Moments start) {
        check(pass, plan, x, weight, bias, fresh, start);
        long batch = x.size(0);
        long groups = fresh.groups();
        Tensor startMean = start == null ? null : start.mean();
        Tensor startVar = start == null ? null : start.var();
        boolean tracked = pass.tracks(x, weight, bias, fresh.mean(), fresh.var(), startMean, startVar);
        Tensor y = pass.allocateLike(x);
        Moments last = moments(pass, batch, groups);
        Tensor means = pass.allocate(DType.F64, batch, tracked ? x.size(1) : 0, groups);
        Tensor rstds = pass.allocate(DType.F64, means.shape());
        pass.kernels().timestepNorm().forward(pass.parallel(), plan, x, weight, bias, fresh, start, y, last,
                tracked ? means : null, tracked ? rstds : null);
        if (tracked) {
            pass.record(List.of(y, last.mean(), last.var()), () -> pass.kernels().timestepNorm().backward(pass.parallel(),
                    plan, x, weight, fresh, start, means, rstds, pass.gradient(y),
                    new MomentGradients(pass.gradientIfMade(last.mean()), pass.gradientIfMade(last.var())),
                    pass.gradientIfTracked(x), pass.gradientIfTracked(weight), pass.gradientIfTracked(bias),
                    gradients(pass, fresh.mean(), fresh.var()), gradients(pass, startMean, startVar)));
        }
        return new Result(y, last);
    }

    /**
     * Fresh moments: {@code count} timesteps of mean {@code mean} and variance {@code exp(logVar)}; mean, logVar: [groups],
     * absent for zeros. Differentiable.
     */
    public static Moments prior(Pass pass, long groups, long count, @Nullable Tensor mean, @Nullable Tensor logVar) {
        if (count < 0 || groups <= 0) {
            throw new IllegalArgumentException("prior must have count >= 0 and groups > 0: count=" + count + ", groups="
                    + groups);
        }
        if (mean != null) {
            Shapes.checkShape("mean", mean, groups);
        }
        if (logVar != null) {
            Shapes.checkShape("logVar", logVar, groups);
        }
        Moments prior = moments(pass, 1, groups);
        prior.count().fill(count);
        if (mean != null) {
            prior.mean().copyFrom(mean.reshape(1, groups));
        }
        if (logVar != null) {
            prior.var().set(Arrays.stream(logVar.toDoubles()).map(Math::exp).toArray());
        } else {
            prior.var().fill(1);
        }
        if (pass.tracks(mean, logVar)) {
            pass.record(List.of(prior.mean(), prior.var()), () -> {
                add(pass.gradientIfTracked(mean), pass.gradient(prior.mean()).toDoubles());
                double[] dVar = pass.gradient(prior.var()).toDoubles();
                double[] var = prior.var().toDoubles();
                Arrays.setAll(dVar, g -> dVar[g] * var[g]);
                add(pass.gradientIfTracked(logVar), dVar);
            });
        }
        return prior;
    }

    /** The moments of all that a and then b have seen; b must have started from nothing. Not differentiable. */
    public static Moments merge(Pass pass, Moments a, Moments b) {
        Shapes.checkSame("means of a and b", a.mean(), b.mean());
        Moments merged = moments(pass, a.batch(), a.groups());
        int groups = Math.toIntExact(a.groups());
        long[] countA = a.count().toLongs();
        long[] countB = b.count().toLongs();
        double[] mean = a.mean().toDoubles();
        double[] var = a.var().toDoubles();
        double[] meanB = b.mean().toDoubles();
        double[] varB = b.var().toDoubles();
        for (int i = 0; i < mean.length; i++) {
            double all = (double) countA[i / groups] + countB[i / groups];
            double share = all == 0 ? 0 : countB[i / groups] / all;
            double delta = meanB[i] - mean[i];
            mean[i] += share * delta;
            var[i] = (1 - share) * var[i] + share * varB[i] + share * (1 - share) * delta * delta;
        }
        Arrays.setAll(countA, i -> countA[i] + countB[i]);
        merged.count().set(countA);
        merged.mean().set(mean);
        merged.var().set(var);
        return merged;
    }

    private static Moments moments(Pass pass, long batch, long groups) {
        return new Moments(pass.zeros(DType.I64, batch), pass.zeros(DType.F64, batch, groups),
                pass.zeros(DType.F64, batch, groups));
    }

    private static MomentGradients gradients(Pass pass, @Nullable Tensor mean, @Nullable Tensor var) {
        return new MomentGradients(pass.gradientIfTracked(mean), pass.gradientIfTracked(var));
    }

    private static void add(@Nullable Tensor to, double[] values) {
        if (to != null) {
            double[] sums = to.toDoubles();
            Arrays.setAll(sums, g -> sums[g] + values[g]);
            to.set(sums);
        }
    }

    private static void check(Pass pass, TimestepNormPlan plan, Tensor x, @Nullable Tensor weight, @Nullable Tensor bias,
            Moments fresh, @Nullable Moments start) {
        if (x.rank() != 3) {
            throw new IllegalArgumentException("x must be [batch, rows, channels]: x=" + x);
        }
        Shapes.checkComputes(pass, "x", x);
        Shapes.checkContiguous("x", x);
        if (fresh.batch() != 1 || fresh.groups() == 0 || x.size(2) % fresh.groups() != 0) {
            throw new IllegalArgumentException("fresh moments must be of batch 1 and groups that divide the channels: batch="
                    + fresh.batch() + ", groups=" + fresh.groups() + ", x=" + x);
        }
        if (start != null) {
            Shapes.checkShape("start mean", start.mean(), x.size(0), fresh.groups());
        }
        if (plan.padding() != null) {
            Shapes.checkShape("padding", plan.padding(), x.size(0), x.size(1));
        }
        if (weight != null) {
            Shapes.checkComputes(pass, "x and weight", x, weight);
            Shapes.checkShape("weight", weight, x.size(2));
        }
        if (bias != null) {
            Shapes.checkComputes(pass, "x and bias", x, bias);
            Shapes.checkShape("bias", bias, x.size(2));
        }
    }
}
