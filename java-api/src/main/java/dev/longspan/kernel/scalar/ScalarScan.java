package dev.longspan.kernel.scalar;

import dev.longspan.kernel.ScanKernel;
import dev.longspan.kernel.ScanPlan;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Recurrences a channel at a time. */
final class ScalarScan implements ScanKernel {

    @Override
    public void coefficients(Parallel parallel, Tensor alpha, Tensor delta, @Nullable Tensor theta, Tensor gamma, Tensor q,
            Tensor p, Tensor c) {
        new CemaCoefficients(alpha, delta, theta, gamma).compute(parallel, q, p, c);
    }

    @Override
    public void coefficientsBackward(Parallel parallel, Tensor alpha, Tensor delta, @Nullable Tensor theta, Tensor gamma,
            @Nullable Tensor dq, @Nullable Tensor dp, @Nullable Tensor dc, @Nullable Tensor dAlpha, @Nullable Tensor dDelta,
            @Nullable Tensor dTheta, @Nullable Tensor dGamma) {
        new CemaCoefficients(alpha, delta, theta, gamma).backward(parallel, dq, dp, dc, dAlpha, dDelta, dTheta, dGamma);
    }

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

    @Override
    public void recurrence(Parallel parallel, ScanPlan plan, Tensor a, @Nullable Tensor b, Tensor x, @Nullable Tensor start,
            Tensor h) {
        new ScalarRecurrence(plan, a, b, x, start, h).forward(parallel);
    }

    @Override
    public void recurrenceBackward(Parallel parallel, ScanPlan plan, Tensor a, @Nullable Tensor b, Tensor x,
            @Nullable Tensor start, Tensor h, Tensor dh, @Nullable Tensor da, @Nullable Tensor db, @Nullable Tensor dx,
            @Nullable Tensor dStart) {
        new ScalarRecurrence(plan, a, b, x, start, h).backward(parallel, dh, da, db, dx, dStart);
    }
}
