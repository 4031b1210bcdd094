package dev.longspan.kernel.scalar;

import dev.longspan.kernel.LossKernel;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Elements;
import dev.longspan.tensor.Tensor;

/** A row of logits at a time. */
final class ScalarLoss implements LossKernel {

    @Override
    public void crossEntropy(Parallel parallel, Tensor logits, Tensor targets, Tensor losses, Tensor lse) {
        int classes = Math.toIntExact(logits.size(1));
        Reals ls = new Reals(logits);
        Reals lossTo = new Reals(losses);
        Reals lseTo = new Reals(lse);
        parallel.forEach(logits.size(0), (i, scratch) -> {
            double[] row = scratch.doubles(0, classes);
            ls.load(logits.offset() + i * logits.stride(0), row, classes);
            double max = Double.NEGATIVE_INFINITY;
            for (int j = 0; j < classes; j++) {
                max = Math.max(max, row[j]);
            }
            double sum = 0;
            for (int j = 0; j < classes; j++) {
                sum += Math.exp(row[j] - max);
            }
            double logSum = max + Math.log(sum);
            lseTo.set(lse.offset() + i * lse.stride(0), logSum);
            long target = target(targets, i);
            lossTo.set(losses.offset() + i * losses.stride(0), target < 0 ? 0 : logSum - row[(int) target]);
        });
    }

    @Override
    public void crossEntropyBackward(Parallel parallel, Tensor logits, Tensor targets, Tensor lse, Tensor dLosses,
            Tensor dLogits) {
        int classes = Math.toIntExact(logits.size(1));
        Reals ls = new Reals(logits);
        Reals lses = new Reals(lse);
        Reals dLoss = new Reals(dLosses);
        Reals to = new Reals(dLogits);
        parallel.forEach(logits.size(0), (i, scratch) -> {
            long target = target(targets, i);
            if (target < 0) {
                return;
            }
            double[] row = scratch.doubles(0, classes);
            ls.load(logits.offset() + i * logits.stride(0), row, classes);
            double logSum = lses.get(lse.offset() + i * lse.stride(0));
            double d = dLoss.get(dLosses.offset() + i * dLosses.stride(0));
            for (int j = 0; j < classes; j++) {
                row[j] = d * (Math.exp(row[j] - logSum) - (j == target ? 1 : 0));
            }
            to.add(dLogits.offset() + i * dLogits.stride(0), row, 0, classes);
        });
    }

    private static long target(Tensor targets, long i) {
        return Elements.getLong(targets.segment(), targets.dtype(), targets.offset() + i * targets.stride(0));
    }
}
