package dev.longspan.kernel.host;

import dev.longspan.bindings.host.Longspan;
import dev.longspan.kernel.Moments;
import dev.longspan.kernel.TimestepNormKernel;
import dev.longspan.kernel.TimestepNormPlan;
import dev.longspan.kernel.Timesteps;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Timestep norms by slices of groups. */
final class HostTimestepNorm implements TimestepNormKernel {

    /** Channels of a work item: whole cache lines of each row. */
    private static final long CHANNELS = 256;

    /** Arrays of a call that is over; a second caller at the same time gets its own. */
    private final AtomicReference<@Nullable Timesteps> kept = new AtomicReference<>();

    @Override
    public void forward(Parallel parallel, TimestepNormPlan plan, Tensor x, @Nullable Tensor weight, @Nullable Tensor bias,
            Moments fresh, @Nullable Moments start, Tensor y, Moments last, @Nullable Tensor means, @Nullable Tensor rstds) {
        for (long batch = 0; batch < x.size(0); batch++) {
            TimestepNormCall call = new TimestepNormCall(kept.getAndSet(null), plan, batch, x, weight, fresh, start,
                    parallel.cancelFlag());
            last.count().slice(0, batch, batch + 1).set(new long[] {call.lastCount()});
            parallel.forRanges(fresh.groups(), grain(x, fresh), (from, to, scratch) -> Status.check(
                    Longspan.ls_timestep_norm(call.forward(from, to - from, bias, y, last, means, rstds, scratch))));
            kept.set(call.steps());
        }
    }

    @Override
    public void backward(Parallel parallel, TimestepNormPlan plan, Tensor x, @Nullable Tensor weight, Moments fresh,
            @Nullable Moments start, Tensor means, Tensor rstds, Tensor dy, MomentGradients dLast, @Nullable Tensor dx,
            @Nullable Tensor dWeight, @Nullable Tensor dBias, MomentGradients dFresh, MomentGradients dStart) {
        // Sequences one after the other: they add to the same parameters.
        for (long batch = 0; batch < x.size(0); batch++) {
            TimestepNormCall call = new TimestepNormCall(kept.getAndSet(null), plan, batch, x, weight, fresh, start,
                    parallel.cancelFlag());
            parallel.forRanges(fresh.groups(), grain(x, fresh), (from, to, scratch) -> {
                TimestepNormCall.MomentSums sums = call.sums(from, to - from, dLast, scratch);
                Status.check(Longspan.ls_timestep_norm_backward(
                        call.backward(from, to - from, means, rstds, dy, dx, dWeight, dBias, sums, scratch)));
                sums.addTo(dFresh, start == null ? dFresh : dStart, start == null ? 0 : call.batch(), from);
            });
            kept.set(call.steps());
        }
    }

    private static long grain(Tensor x, Moments fresh) {
        return Math.max(1, CHANNELS / Math.max(1, x.size(2) / fresh.groups()));
    }
}
