package dev.longspan.kernel.host;

import dev.longspan.bindings.host.ls_timestep_norm_params;
import dev.longspan.kernel.Moments;
import dev.longspan.kernel.TimestepNormKernel.MomentGradients;
import dev.longspan.kernel.TimestepNormPlan;
import dev.longspan.kernel.Timesteps;
import dev.longspan.parallel.Scratch;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/** The parameters of timestep norm's downcalls for one sequence: groups {@code first} to {@code first + n}. */
final class TimestepNormCall {

    // Scratch slots.
    private static final int PARAMS = 0;
    private static final int D_MOMENTS = 1;
    private static final int BUFFERS = 2;
    private static final int STEPS = 3;

    private final TimestepNormPlan plan;
    private final long batch;
    private final Tensor x;
    private final @Nullable Tensor weight;
    private final Moments fresh;
    private final @Nullable Moments start;
    private final MemorySegment cancel;
    private final long rows;
    private final long groups;
    private final long d;
    private final long lastCount;
    private final Timesteps steps;

    /** Counts into the arrays of an earlier call. */
    TimestepNormCall(@Nullable Timesteps old, TimestepNormPlan plan, long batch, Tensor x, @Nullable Tensor weight, Moments fresh,
            @Nullable Moments start, MemorySegment cancel) {
        this.plan = plan;
        this.batch = batch;
        this.x = x;
        this.weight = weight;
        this.fresh = fresh;
        this.start = start;
        this.cancel = cancel;
        rows = x.size(1);
        groups = fresh.groups();
        d = x.size(2) / groups;
        if (d * groups != x.size(2)) {
            throw new IllegalArgumentException("groups must divide the channels: groups=" + groups + ", x=" + x);
        }
        long before = (long) (start == null ? fresh.count().get(0) : start.count().get(batch));
        int n = Math.toIntExact(rows);
        steps = Timesteps.of(old, plan, batch, n, before, (long) fresh.count().get(0));
        lastCount = n == 0 ? before : steps.counts()[n - 1];
    }

    /** Arrays for a later call. */
    Timesteps steps() {
        return steps;
    }

    long batch() {
        return batch;
    }

    /** Timesteps seen after the last row. */
    long lastCount() {
        return lastCount;
    }

    MemorySegment forward(long first, long n, @Nullable Tensor bias, Tensor y, Moments last, @Nullable Tensor means,
            @Nullable Tensor rstds, Scratch scratch) {
        MemorySegment p = params(first, n, scratch);
        ls_timestep_norm_params.bias(p, Memory.rangeOrNull(bias, first * d, n * d));
        ls_timestep_norm_params.y(p, channels(y, first));
        ls_timestep_norm_params.last_mean(p, doubles(last.mean(), batch * groups + first, n));
        ls_timestep_norm_params.last_var(p, doubles(last.var(), batch * groups + first, n));
        if (means != null && rstds != null) {
            ls_timestep_norm_params.means(p, moments(means, first));
            ls_timestep_norm_params.rstds(p, moments(rstds, first));
        }
        return p;
    }

    MemorySegment backward(long first, long n, Tensor means, Tensor rstds, Tensor dy, @Nullable Tensor dx,
            @Nullable Tensor dWeight, @Nullable Tensor dBias, MomentSums sums, Scratch scratch) {
        MemorySegment p = params(first, n, scratch);
        ls_timestep_norm_params.means(p, moments(means, first));
        ls_timestep_norm_params.rstds(p, moments(rstds, first));
        ls_timestep_norm_params.dy(p, channels(dy, first));
        ls_timestep_norm_params.dx(p, dx == null ? MemorySegment.NULL : channels(dx, first));
        ls_timestep_norm_params.d_weight(p, Memory.rangeOrNull(dWeight, first * d, n * d));
        ls_timestep_norm_params.d_bias(p, Memory.rangeOrNull(dBias, first * d, n * d));
        ls_timestep_norm_params.d_mean(p, sums.part(0));
        ls_timestep_norm_params.d_var(p, sums.part(1));
        ls_timestep_norm_params.d_fresh_mean(p, sums.part(2));
        ls_timestep_norm_params.d_fresh_var(p, sums.part(3));
        ls_timestep_norm_params.scratch(p, scratch.segment(BUFFERS, 2 * n * d * 8));
        return p;
    }

    private MemorySegment params(long first, long n, Scratch scratch) {
        MemorySegment p = scratch.segment(PARAMS, ls_timestep_norm_params.sizeof()).fill((byte) 0);
        ls_timestep_norm_params.size(p, ls_timestep_norm_params.sizeof());
        ls_timestep_norm_params.rows(p, rows);
        ls_timestep_norm_params.row(p, x.size(2));
        ls_timestep_norm_params.d(p, d);
        ls_timestep_norm_params.n(p, n);
        ls_timestep_norm_params.groups(p, groups);
        ls_timestep_norm_params.x(p, channels(x, first));
        ls_timestep_norm_params.weight(p, Memory.rangeOrNull(weight, first * d, n * d));
        ls_timestep_norm_params.weight_offset(p, (float) plan.weightOffset());
        ls_timestep_norm_params.eps(p, plan.eps());
        // Each worker's own copy: a hundredth of what it reads of x, and no memory that calls would have to share.
        MemorySegment copy = scratch.segment(STEPS, rows * (8 + 1 + 1));
        MemorySegment.copy(steps.counts(), 0, copy, ValueLayout.JAVA_LONG, 0, Math.toIntExact(rows));
        flags(steps.fresh(), copy, rows * 8);
        flags(steps.padded(), copy, rows * 9);
        ls_timestep_norm_params.counts(p, copy);
        ls_timestep_norm_params.fresh(p, copy.asSlice(rows * 8));
        ls_timestep_norm_params.padded(p, copy.asSlice(rows * 9));
        ls_timestep_norm_params.fresh_mean(p, doubles(fresh.mean(), first, n));
        ls_timestep_norm_params.fresh_var(p, doubles(fresh.var(), first, n));
        Moments before = start == null ? fresh : start;
        long at = (start == null ? 0 : batch * groups) + first;
        ls_timestep_norm_params.start_mean(p, doubles(before.mean(), at, n));
        ls_timestep_norm_params.start_var(p, doubles(before.var(), at, n));
        ls_timestep_norm_params.cancel(p, cancel);
        return p;
    }

    private void flags(boolean[] flags, MemorySegment to, long at) {
        for (int t = 0; t < rows; t++) {
            to.set(ValueLayout.JAVA_BYTE, at + t, (byte) (flags[t] ? 1 : 0));
        }
    }

    /** This sequence of a [B, L, D] tensor from a group on. */
    private MemorySegment channels(Tensor t, long first) {
        long each = rows * x.size(2);
        return each == 0 ? MemorySegment.NULL : Memory.range(t, batch * each + first * d, each - first * d);
    }

    /** This sequence of an F64 [B, L, groups] tensor from a group on. */
    private MemorySegment moments(Tensor t, long first) {
        long each = rows * groups;
        return each == 0 ? MemorySegment.NULL : doubles(t, batch * each + first, each - first);
    }

    private static MemorySegment doubles(Tensor t, long from, long n) {
        if (t.dtype() != DType.F64) {
            throw new IllegalArgumentException("moments must be F64: dtype=" + t.dtype());
        }
        return t.segment().asSlice((t.offset() + from) * 8, n * 8);
    }

    /** Gradients of the moments behind the last row, which become those before the first, and of fresh moments: zeros. */
    MomentSums sums(long first, long n, MomentGradients dLast, Scratch scratch) {
        MomentSums sums = new MomentSums(scratch.segment(D_MOMENTS, 4 * n * 8), n);
        sums.memory.fill((byte) 0);
        load(dLast.mean(), first, n, sums.part(0));
        load(dLast.var(), first, n, sums.part(1));
        return sums;
    }

    private void load(@Nullable Tensor from, long first, long n, MemorySegment to) {
        if (from != null) {
            to.copyFrom(doubles(from, batch * groups + first, n));
        }
    }

    /** [4, n] of doubles: of mean and variance, then of fresh mean and variance. */
    record MomentSums(MemorySegment memory, long n) {
        MemorySegment part(int i) {
            return memory.asSlice(i * n * 8, n * 8);
        }

        /** Adds what arrived at fresh moments and at those before the first row. */
        void addTo(MomentGradients dFresh, MomentGradients dBefore, long batch, long first) {
            add(dFresh.mean(), 0, first, part(2));
            add(dFresh.var(), 0, first, part(3));
            add(dBefore.mean(), batch, first, part(0));
            add(dBefore.var(), batch, first, part(1));
        }

        private void add(@Nullable Tensor to, long batch, long first, MemorySegment values) {
            if (to != null) {
                MemorySegment sums = doubles(to, batch * to.size(1) + first, n);
                for (long g = 0; g < n; g++) {
                    sums.setAtIndex(ValueLayout.JAVA_DOUBLE_UNALIGNED, g, sums.getAtIndex(ValueLayout.JAVA_DOUBLE_UNALIGNED, g)
                            + values.getAtIndex(ValueLayout.JAVA_DOUBLE, g));
                }
            }
        }
    }
}
