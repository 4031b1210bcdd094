package dev.longspan.kernel.vector;

import dev.longspan.kernel.RecurrenceKernel;
import dev.longspan.kernel.ScanPlan;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Diagonal recurrences, one vector of channels at a time. */
final class VectorRecurrence implements RecurrenceKernel {

    @Override
    public void forward(Parallel parallel, ScanPlan plan, Tensor a, @Nullable Tensor b, Tensor x, @Nullable Tensor start,
            Tensor h) {
        new Recurrence(plan, a, b, x, start, h).forward(parallel);
    }

    @Override
    public void backward(Parallel parallel, ScanPlan plan, Tensor a, @Nullable Tensor b, Tensor x, @Nullable Tensor start,
            Tensor h, Tensor dh, @Nullable Tensor da, @Nullable Tensor db, @Nullable Tensor dx, @Nullable Tensor dStart) {
        new Recurrence(plan, a, b, x, start, h).backward(parallel, dh, da, db, dx, dStart);
    }
}
