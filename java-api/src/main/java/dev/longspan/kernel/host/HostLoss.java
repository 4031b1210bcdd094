package dev.longspan.kernel.host;

import dev.longspan.bindings.host.Longspan;
import dev.longspan.kernel.LossKernel;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;

/** Ranges of rows of logits. C refuses targets beyond the classes. */
final class HostLoss implements LossKernel {

    /** Logits of a work item. */
    private static final int ITEM = 1 << 13;

    @Override
    public void crossEntropy(Parallel parallel, Tensor logits, Tensor targets, Tensor losses, Tensor lse) {
        long classes = logits.size(1);
        parallel.forRanges(logits.size(0), grain(classes), (from, to, scratch) -> {
            long rows = to - from;
            Status.check(Longspan.ls_cross_entropy(Memory.rows(logits, from, rows, classes), logits.stride(0),
                    Memory.ids(targets, from, rows), Memory.wide(targets), Memory.range(losses, from, rows),
                    Memory.range(lse, from, rows), rows, classes));
        });
    }

    @Override
    public void crossEntropyBackward(Parallel parallel, Tensor logits, Tensor targets, Tensor lse, Tensor dLosses,
            Tensor dLogits) {
        long classes = logits.size(1);
        parallel.forRanges(logits.size(0), grain(classes), (from, to, scratch) -> {
            long rows = to - from;
            Status.check(Longspan.ls_cross_entropy_backward(Memory.rows(logits, from, rows, classes), logits.stride(0),
                    Memory.ids(targets, from, rows), Memory.wide(targets), Memory.range(lse, from, rows),
                    Memory.range(dLosses, from, rows), Memory.rows(dLogits, from, rows, classes), dLogits.stride(0), rows,
                    classes));
        });
    }

    private static long grain(long classes) {
        return Math.max(1, ITEM / Math.max(1, classes));
    }
}
