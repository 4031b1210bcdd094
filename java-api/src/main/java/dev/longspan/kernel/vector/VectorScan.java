package dev.longspan.kernel.vector;

import dev.longspan.kernel.ScanKernel;
import dev.longspan.kernel.ScanPlan;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** CEMA with a lane a channel. */
final class VectorScan implements ScanKernel {

    @Override
    public void cema(Parallel parallel, ScanPlan plan, Tensor x, Tensor q, Tensor c, Tensor omega, @Nullable Tensor start,
            Tensor y, Tensor last, @Nullable Tensor kept) {
        if (x.size(1) == 1 && kept == null) {
            new CemaStep(plan, x, q, c, omega, start, y, last).run(parallel);
        } else {
            new CemaForward(plan, x, q, c, omega, start, y, last, kept).run(parallel);
        }
    }

    @Override
    public void cemaBackward(Parallel parallel, ScanPlan plan, Tensor x, Tensor q, Tensor c, Tensor omega, Tensor kept,
            Tensor dy, @Nullable Tensor dLast, @Nullable Tensor dx, @Nullable Tensor dq, @Nullable Tensor dc,
            @Nullable Tensor dOmega, @Nullable Tensor dStart) {
        new CemaBackward(plan, x, q, c, omega, kept, dy, dLast, dx, dq, dc, dOmega, dStart).run(parallel);
    }
}
