package dev.longspan.kernel.host;

import dev.longspan.bindings.host.Longspan;
import dev.longspan.kernel.ScanKernel;
import dev.longspan.kernel.ScanPlan;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** CEMA by slices of channels. */
final class HostScan implements ScanKernel {

    /** Channels of a work item, a multiple of those of a vector: long runs of each row, whose powers fit the second cache. */
    private static final long MOST = 128;
    private static final long FEWEST = 32;

    @Override
    public void cema(Parallel parallel, ScanPlan plan, Tensor x, Tensor q, Tensor c, Tensor omega, @Nullable Tensor start,
            Tensor y, Tensor last, @Nullable Tensor kept) {
        CemaCall call = new CemaCall(plan, x, q, c, omega, parallel.cancelFlag());
        long channels = channels(x.size(0) * x.size(2), parallel);
        long slices = Math.ceilDiv(x.size(2), channels);
        parallel.forEach(x.size(0) * slices, (item, scratch) -> {
            long first = item % slices * channels;
            Status.check(Longspan.ls_cema(call.forward(item / slices, first, Math.min(channels, x.size(2) - first), start, y, last,
                    kept, scratch)));
        });
    }

    @Override
    public void cemaBackward(Parallel parallel, ScanPlan plan, Tensor x, Tensor q, Tensor c, Tensor omega, Tensor kept, Tensor dy,
            @Nullable Tensor dLast, @Nullable Tensor dx, @Nullable Tensor dq, @Nullable Tensor dc, @Nullable Tensor dOmega,
            @Nullable Tensor dStart) {
        CemaCall call = new CemaCall(plan, x, q, c, omega, parallel.cancelFlag());
        // Sequences one after the other: they add to the same dq, dc and dω.
        parallel.forRanges(x.size(2), channels(x.size(2), parallel), (first, end, scratch) -> {
            for (long batch = 0; batch < x.size(0); batch++) {
                Status.check(Longspan.ls_cema_backward(call.backward(batch, first, end - first,
                        new CemaCall.Gradients(kept, dy, dLast, dx, dq, dc, dOmega, dStart), scratch)));
            }
        });
    }

    /** Fewer where threads would go without; a channel's bits do not depend on its neighbours. */
    private static long channels(long all, Parallel parallel) {
        return Math.clamp(all / parallel.threads() / FEWEST * FEWEST, FEWEST, MOST);
    }
}
