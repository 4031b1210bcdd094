package dev.longspan.kernel.vector;

import dev.longspan.kernel.ScanKernel;
import dev.longspan.kernel.ScanPlan;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Recurrences with a lane a channel. Coefficients are F64 and few: the scalar kernel computes them. */
final class VectorScan implements ScanKernel {

    private final ScanKernel scalar;

    VectorScan(ScanKernel scalar) {
        this.scalar = scalar;
    }

    @Override
    public void coefficients(Parallel parallel, Tensor alpha, Tensor delta, @Nullable Tensor theta, Tensor gamma, Tensor q,
            Tensor p, Tensor c) {
        scalar.coefficients(parallel, alpha, delta, theta, gamma, q, p, c);
    }

    @Override
    public void coefficientsBackward(Parallel parallel, Tensor alpha, Tensor delta, @Nullable Tensor theta, Tensor gamma,
            @Nullable Tensor dq, @Nullable Tensor dp, @Nullable Tensor dc, @Nullable Tensor dAlpha, @Nullable Tensor dDelta,
            @Nullable Tensor dTheta, @Nullable Tensor dGamma) {
        scalar.coefficientsBackward(parallel, alpha, delta, theta, gamma, dq, dp, dc, dAlpha, dDelta, dTheta, dGamma);
    }

    @Override
    public void cema(Parallel parallel, ScanPlan plan, Tensor x, Tensor q, Tensor c, Tensor omega, @Nullable Tensor start,
            Tensor y, Tensor last, @Nullable Tensor kept) {
        new CemaForward(plan, x, q, c, omega, start, y, last, kept).run(parallel);
    }

    @Override
    public void cemaBackward(Parallel parallel, ScanPlan plan, Tensor x, Tensor q, Tensor c, Tensor omega, Tensor kept,
            Tensor dy, @Nullable Tensor dLast, @Nullable Tensor dx, @Nullable Tensor dq, @Nullable Tensor dc,
            @Nullable Tensor dOmega, @Nullable Tensor dStart) {
        new CemaBackward(plan, x, q, c, omega, kept, dy, dLast, dx, dq, dc, dOmega, dStart).run(parallel);
    }

    @Override
    public void recurrence(Parallel parallel, ScanPlan plan, Tensor a, @Nullable Tensor b, Tensor x, @Nullable Tensor start,
            Tensor h) {
        new VectorRecurrence(plan, a, b, x, start, h).forward(parallel);
    }

    @Override
    public void recurrenceBackward(Parallel parallel, ScanPlan plan, Tensor a, @Nullable Tensor b, Tensor x,
            @Nullable Tensor start, Tensor h, Tensor dh, @Nullable Tensor da, @Nullable Tensor db, @Nullable Tensor dx,
            @Nullable Tensor dStart) {
        new VectorRecurrence(plan, a, b, x, start, h).backward(parallel, dh, da, db, dx, dStart);
    }
}
