package dev.longspan.kernel.scalar;

import dev.longspan.kernel.ScanKernel;
import dev.longspan.kernel.ScanPlan;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** CEMA a channel at a time. */
final class ScalarScan implements ScanKernel {

    @Override
    public void cema(Parallel parallel, ScanPlan plan, Tensor x, Tensor q, Tensor c, Tensor omega, @Nullable Tensor start,
            Tensor y, Tensor last, @Nullable Tensor kept) {
        new ScalarCema(plan, x, q, c, omega).forward(parallel, start, y, last, kept);
    }

    @Override
    public void cemaBackward(Parallel parallel, ScanPlan plan, Tensor x, Tensor q, Tensor c, Tensor omega, Tensor kept,
            Tensor dy, @Nullable Tensor dLast, @Nullable Tensor dx, @Nullable Tensor dq, @Nullable Tensor dc,
            @Nullable Tensor dOmega, @Nullable Tensor dStart) {
        new ScalarCema(plan, x, q, c, omega).backward(parallel, kept, dy, dLast, dx, dq, dc, dOmega, dStart);
    }
}
