package dev.longspan.kernel.vector;

import dev.longspan.kernel.Moments;
import dev.longspan.kernel.TimestepNormKernel;
import dev.longspan.kernel.TimestepNormPlan;
import dev.longspan.kernel.Timesteps;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Some groups of channels are a work item, all rows in order; a parallel region a sequence, so that sums are ordered. */
final class VectorTimestepNorm implements TimestepNormKernel {

    /** Arrays of a call that is over; a second caller at the same time gets its own. */
    private final AtomicReference<@Nullable Timesteps> kept = new AtomicReference<>();

    /** Channels of a work item, at least about. */
    private static final int CHANNELS = 128;

    @Override
    public void forward(Parallel parallel, TimestepNormPlan plan, Tensor x, @Nullable Tensor weight, @Nullable Tensor bias,
            Moments fresh, @Nullable Moments start, Tensor y, Moments last, @Nullable Tensor means, @Nullable Tensor rstds) {
        for (long b = 0; b < x.size(0); b++) {
            Timesteps steps = steps(plan, b, x, fresh, start);
            TimestepNormForward forward = new TimestepNormForward(plan, steps, b, x, weight, bias, fresh, start, y, last, means,
                    rstds);
            parallel.forRanges(fresh.groups(), grain(parallel, x, fresh), (from, to, scratch) ->
                    forward.run((int) from, (int) (to - from), scratch));
            kept.set(steps);
        }
    }

    @Override
    public void backward(Parallel parallel, TimestepNormPlan plan, Tensor x, @Nullable Tensor weight, Moments fresh,
            @Nullable Moments start, Tensor means, Tensor rstds, Tensor dy, MomentGradients dLast, @Nullable Tensor dx,
            @Nullable Tensor dWeight, @Nullable Tensor dBias, MomentGradients dFresh, MomentGradients dStart) {
        for (long b = 0; b < x.size(0); b++) {
            Timesteps steps = steps(plan, b, x, fresh, start);
            TimestepNormBackward backward = new TimestepNormBackward(plan, steps, b, x, weight, fresh, start, means, rstds, dy,
                    dLast, dx, dWeight, dBias, dFresh, dStart);
            parallel.forRanges(fresh.groups(), grain(parallel, x, fresh), (from, to, scratch) ->
                    backward.run((int) from, (int) (to - from), scratch));
            kept.set(steps);
        }
    }

    private Timesteps steps(TimestepNormPlan plan, long batch, Tensor x, Moments fresh, @Nullable Moments start) {
        return Timesteps.of(kept.getAndSet(null), plan, batch, Math.toIntExact(x.size(1)), before(batch, fresh, start),
                (long) fresh.count().get(0));
    }

    /** Timesteps before row 0. */
    static long before(long batch, Moments fresh, @Nullable Moments start) {
        return (long) (start == null ? fresh.count().get(0) : start.count().get(batch));
    }

    /** As many groups as leave every thread some: wide rows are what memory prefetches. The split changes no bits. */
    private static long grain(Parallel parallel, Tensor x, Moments fresh) {
        long least = CHANNELS * fresh.groups() / Math.max(1, x.size(2));
        return Math.max(Math.max(1, least), Math.ceilDiv(fresh.groups(), (long) parallel.threads()));
    }
}
