package dev.longspan.kernel.host;

import dev.longspan.bindings.host.Longspan;
import dev.longspan.kernel.ScanKernel;
import dev.longspan.kernel.ScanPlan;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** CEMA by slices of channels. */
final class HostScan implements ScanKernel {

    /** Channels of a work item: two cache lines of each row, so that rows are read once. */
    private static final long CHANNELS = 32;

    @Override
    public void cema(Parallel parallel, ScanPlan plan, Tensor x, Tensor q, Tensor c, Tensor omega, @Nullable Tensor start,
            Tensor y, Tensor last, @Nullable Tensor kept) {
        CemaCall call = new CemaCall(plan, x, q, c, omega, parallel.cancelFlag());
        long slices = Math.ceilDiv(x.size(2), CHANNELS);
        parallel.forEach(x.size(0) * slices, (item, scratch) -> {
            long first = item % slices * CHANNELS;
            Status.check(Longspan.ls_cema(call.forward(item / slices, first, Math.min(CHANNELS, x.size(2) - first), start, y, last,
                    kept, scratch)));
        });
    }

    @Override
    public void cemaBackward(Parallel parallel, ScanPlan plan, Tensor x, Tensor q, Tensor c, Tensor omega, Tensor kept, Tensor dy,
            @Nullable Tensor dLast, @Nullable Tensor dx, @Nullable Tensor dq, @Nullable Tensor dc, @Nullable Tensor dOmega,
            @Nullable Tensor dStart) {
        CemaCall call = new CemaCall(plan, x, q, c, omega, parallel.cancelFlag());
        // Sequences one after the other: they add to the same dq, dc and dω.
        parallel.forRanges(x.size(2), CHANNELS, (first, end, scratch) -> {
            for (long batch = 0; batch < x.size(0); batch++) {
                Status.check(Longspan.ls_cema_backward(call.backward(batch, first, end - first,
                        new CemaCall.Gradients(kept, dy, dLast, dx, dq, dc, dOmega, dStart), scratch)));
            }
        });
    }
}
