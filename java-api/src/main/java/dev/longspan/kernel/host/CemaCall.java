package dev.longspan.kernel.host;

import dev.longspan.bindings.host.Longspan;
import dev.longspan.bindings.host.ls_cema_params;
import dev.longspan.kernel.ScanPlan;
import dev.longspan.parallel.Scratch;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/** The parameters of CEMA's downcalls: channels {@code first} to {@code first + channels} of one sequence. */
record CemaCall(ScanPlan plan, Tensor x, Tensor q, Tensor c, Tensor omega, MemorySegment cancel) {

    // Scratch slots.
    private static final int PARAMS = 0;
    private static final int RESETS = 1;
    private static final int BUFFERS = 2;

    /** What a backward reads besides, and adds to. */
    record Gradients(Tensor kept, Tensor dy, @Nullable Tensor dLast, @Nullable Tensor dx, @Nullable Tensor dq,
            @Nullable Tensor dc, @Nullable Tensor dOmega, @Nullable Tensor dStart) {
    }

    MemorySegment forward(long batch, long first, long channels, @Nullable Tensor start, Tensor y, Tensor last,
            @Nullable Tensor kept, Scratch scratch) {
        MemorySegment p = params(batch, first, channels, scratch);
        ls_cema_params.start(p, states(start, batch, 1, first));
        ls_cema_params.y(p, rows(y, batch, first));
        ls_cema_params.last(p, states(last, batch, 1, first));
        ls_cema_params.kept(p, states(kept, batch, ScanPlan.blocks(x.size(1)), first));
        return p;
    }

    MemorySegment backward(long batch, long first, long channels, Gradients g, Scratch scratch) {
        MemorySegment p = params(batch, first, channels, scratch);
        ls_cema_params.kept(p, states(g.kept, batch, ScanPlan.blocks(x.size(1)), first));
        ls_cema_params.dy(p, rows(g.dy, batch, first));
        ls_cema_params.d_last(p, states(g.dLast, batch, 1, first));
        ls_cema_params.dx(p, g.dx == null ? MemorySegment.NULL : rows(g.dx, batch, first));
        ls_cema_params.dq(p, coefficients(g.dq, first));
        ls_cema_params.dc(p, coefficients(g.dc, first));
        ls_cema_params.d_omega(p, Memory.rangeOrNull(g.dOmega, first, g.dOmega == null ? 0 : channels));
        ls_cema_params.d_start(p, states(g.dStart, batch, 1, first));
        return p;
    }

    private MemorySegment params(long batch, long first, long channels, Scratch scratch) {
        MemorySegment p = scratch.segment(PARAMS, ls_cema_params.sizeof()).fill((byte) 0);
        ls_cema_params.size(p, ls_cema_params.sizeof());
        ls_cema_params.rows(p, x.size(1));
        ls_cema_params.width(p, x.size(2));
        ls_cema_params.channels(p, channels);
        ls_cema_params.modes(p, q.size(0));
        ls_cema_params.x(p, rows(x, batch, first));
        ls_cema_params.q(p, coefficients(q, first));
        ls_cema_params.c(p, coefficients(c, first));
        ls_cema_params.omega(p, Memory.range(omega, first, channels));
        long[] resets = plan.resets(batch, x.size(1));
        MemorySegment to = scratch.segment(RESETS, resets.length * 8L);
        MemorySegment.copy(resets, 0, to, ValueLayout.JAVA_LONG, 0, resets.length);
        ls_cema_params.resets(p, to);
        ls_cema_params.scratch(p, scratch.segment(BUFFERS, Longspan.ls_cema_scratch(q.size(0), channels) * 4));
        ls_cema_params.cancel(p, cancel);
        ls_cema_params.reversed(p, plan.reversed() ? 1 : 0);
        return p;
    }

    /** One sequence of a [B, L, D] tensor from channel {@code first} on. */
    private MemorySegment rows(Tensor t, long batch, long first) {
        long each = x.size(1) * x.size(2);
        return each == 0 ? MemorySegment.NULL : Memory.range(t, batch * each + first, each - first);
    }

    /** The {@code count} states [n, 2, D] of one sequence from channel {@code first} on; NULL where they are absent. */
    private MemorySegment states(@Nullable Tensor t, long batch, long count, long first) {
        long each = count * 2 * q.size(0) * x.size(2);
        return t == null || each == 0 ? MemorySegment.NULL : Memory.range(t, batch * each + first, each - first);
    }

    /** An F64 [n, 2, D] tensor from channel {@code first} on; NULL where it is absent. */
    private MemorySegment coefficients(@Nullable Tensor t, long first) {
        if (t == null) {
            return MemorySegment.NULL;
        }
        if (t.dtype() != DType.F64) {
            throw new IllegalArgumentException("coefficients must be F64: dtype=" + t.dtype());
        }
        return t.segment().asSlice((t.offset() + first) * 8, (2 * q.size(0) * x.size(2) - first) * 8);
    }
}
