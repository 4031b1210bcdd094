package dev.longspan.kernel.scalar;

import dev.longspan.kernel.AttentionKernel;
import dev.longspan.kernel.AttentionPlan;
import dev.longspan.kernel.AttentionTask;
import dev.longspan.kernel.Dropout;
import dev.longspan.parallel.Parallel;
import dev.longspan.parallel.Scratch;
import dev.longspan.tensor.Tensor;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** A head of a batch row at a time, its branches in order, a query row at a time against all keys that it sees. */
final class ScalarAttention implements AttentionKernel {

    @Override
    public void forward(Parallel parallel, AttentionPlan plan, Tensor q, Tensor k, Tensor v, Tensor out, Tensor lse) {
        Reals vs = new Reals(v);
        Reals outs = new Reals(out);
        Reals lses = new Reals(lse);
        int valueDim = Math.toIntExact(v.size(3));
        forEachTask(parallel, plan, q, k, (branch, task, batch, head, scratch) -> {
            Scores scores = new Scores(plan, branch, task, batch, head, q, k, scratch);
            double[] sum = scratch.doubles(Scores.SLOTS, valueDim);
            for (long t = 0; t < task.queries().count(); t++) {
                long row = task.queries().at(t);
                double logSum = scores.compute(row);
                if (logSum == Double.NEGATIVE_INFINITY) {
                    continue; // no key: exp(-inf - -inf) would be NaN
                }
                long lseAt = lse.offset() + batch * lse.stride(0) + head * lse.stride(1) + row * lse.stride(2);
                double earlier = lses.get(lseAt);
                double max = Math.max(earlier, logSum);
                double merged = max + Math.log(Math.exp(earlier - max) + Math.exp(logSum - max));
                long outAt = at(out, batch, row, head);
                outs.load(outAt, sum, valueDim);
                for (int d = 0; d < valueDim; d++) {
                    sum[d] *= Math.exp(earlier - merged);
                }
                for (int j = 0; j < scores.count(); j++) {
                    double p = Math.exp(scores.of(j) - merged) * keep(plan.dropout(), batch, head, q, row, scores.keyRow(j));
                    if (p != 0) {
                        vs.addTo(sum, p, at(v, batch, scores.keyRow(j), head), valueDim);
                    }
                }
                outs.store(outAt, sum, 0, valueDim);
                lses.set(lseAt, merged);
            }
        });
    }

    @Override
    public void backward(Parallel parallel, AttentionPlan plan, Tensor q, Tensor k, Tensor v, Tensor out, Tensor lse,
            Tensor dOut, @Nullable Tensor dLse, Tensor dq, Tensor dk, Tensor dv) {
        Reals vs = new Reals(v);
        Reals ks = new Reals(k);
        Reals outs = new Reals(out);
        Reals lses = new Reals(lse);
        Reals dOuts = new Reals(dOut);
        Reals dqs = new Reals(dq);
        Reals dks = new Reals(dk);
        Reals dvs = new Reals(dv);
        int dim = Math.toIntExact(q.size(3));
        int valueDim = Math.toIntExact(v.size(3));
        forEachTask(parallel, plan, q, k, (branch, task, batch, head, scratch) -> {
            Scores scores = new Scores(plan, branch, task, batch, head, q, k, scratch);
            int keys = Math.toIntExact(task.keys().count());
            double[] dOutRow = scratch.doubles(Scores.SLOTS, valueDim);
            double[] dqRow = scratch.doubles(Scores.SLOTS + 1, dim);
            double[] dkRows = scratch.doubles(Scores.SLOTS + 2, Math.multiplyExact(keys, dim));
            double[] dvRows = scratch.doubles(Scores.SLOTS + 3, Math.multiplyExact(keys, valueDim));
            double[] dP = scratch.doubles(Scores.SLOTS + 4, keys);
            Arrays.fill(dkRows, 0, keys * dim, 0);
            Arrays.fill(dvRows, 0, keys * valueDim, 0);
            for (long t = 0; t < task.queries().count(); t++) {
                long row = task.queries().at(t);
                double branchLse = scores.compute(row);
                if (branchLse == Double.NEGATIVE_INFINITY) {
                    continue;
                }
                double finalLse = lses.get(lse.offset() + batch * lse.stride(0) + head * lse.stride(1) + row * lse.stride(2));
                dOuts.load(at(dOut, batch, row, head), dOutRow, valueDim);
                double detached = 0;
                for (int j = 0; j < scores.count(); j++) {
                    if (scores.of(j) == Double.NEGATIVE_INFINITY) {
                        continue;
                    }
                    double keep = keep(plan.dropout(), batch, head, q, row, scores.keyRow(j));
                    dP[j] = keep * vs.dot(at(v, batch, scores.keyRow(j), head), dOutRow, valueDim);
                    detached += Math.exp(scores.of(j) - branchLse) * dP[j];
                    double p = keep * Math.exp(scores.of(j) - finalLse);
                    int to = scores.key(j) * valueDim;
                    for (int d = 0; d < valueDim; d++) {
                        dvRows[to + d] += p * dOutRow[d];
                    }
                }
                double delta = detached;
                if (plan.gradient() == AttentionPlan.Gradient.EXACT) {
                    delta = outs.dot(at(out, batch, row, head), dOutRow, valueDim);
                    if (dLse != null) {
                        delta -= new Reals(dLse).get(dLse.offset() + batch * dLse.stride(0) + head * dLse.stride(1)
                                + row * dLse.stride(2));
                    }
                }
                Arrays.fill(dqRow, 0, dim, 0);
                for (int j = 0; j < scores.count(); j++) {
                    if (scores.of(j) == Double.NEGATIVE_INFINITY) {
                        continue;
                    }
                    double dScore = Math.exp(scores.of(j) - finalLse) * (dP[j] - delta) * plan.scale();
                    long kAt = at(k, batch, scores.keyRow(j), head);
                    double[] factors = scores.factors(j);
                    double[] qRow = scores.query();
                    int to = scores.key(j) * dim;
                    for (int d = 0; d < dim; d++) {
                        dqRow[d] += dScore * factors[d] * ks.get(kAt + d);
                        dkRows[to + d] += dScore * factors[d] * qRow[d];
                    }
                }
                dqs.add(at(dq, batch, row, head), dqRow, 0, dim);
            }
            for (int j = 0; j < keys; j++) {
                long row = task.keys().at(j);
                dks.add(at(dk, batch, row, head), dkRows, j * dim, dim);
                dvs.add(at(dv, batch, row, head), dvRows, j * valueDim, valueDim);
            }
        });
    }

    /** What is done for one task of one head of one batch row. */
    private interface TaskWork {
        void run(int branch, AttentionTask task, long batch, int head, Scratch scratch);
    }

    private static void forEachTask(Parallel parallel, AttentionPlan plan, Tensor q, Tensor k, TaskWork work) {
        int heads = Math.toIntExact(q.size(2));
        parallel.forEach(q.size(0) * heads, (item, scratch) -> {
            int head = (int) (item % heads);
            for (int branch = 0; branch < plan.pattern().branches(); branch++) {
                for (AttentionTask task : plan.pattern().tasks(branch, head, heads, plan.firstQuery(), q.size(1), k.size(1),
                        plan.causal())) {
                    work.run(branch, task, item / heads, head, scratch);
                }
            }
        });
    }

    private static double keep(@Nullable Dropout dropout, long batch, long head, Tensor q, long queryRow, long keyRow) {
        return dropout == null ? 1 : dropout.factor(batch * q.size(2) + head, queryRow, keyRow);
    }

    /** Place of the first element of (batch, row, head) of a [B, N, H, D] tensor. */
    static long at(Tensor tensor, long batch, long row, long head) {
        return tensor.offset() + batch * tensor.stride(0) + row * tensor.stride(1) + head * tensor.stride(2);
    }
}
