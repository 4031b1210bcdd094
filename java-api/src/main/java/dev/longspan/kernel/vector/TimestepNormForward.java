package dev.longspan.kernel.vector;

import dev.longspan.kernel.Moments;
import dev.longspan.kernel.TimestepNormPlan;
import dev.longspan.kernel.Timesteps;
import dev.longspan.parallel.Scratch;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * A block of rows at a time: the groups' own sums, then the {@link RunningMoments} moments row by row, and the normalised row. The mean
 * is subtracted in two parts: float32 rows of 1000 ± 0.1 keep their precision.
 */
final class TimestepNormForward {

    /** Floats of a block's rows: one row if it is wide, so that reads, arithmetic and writes take short turns and overlap. */
    private static final int FLOATS = 512;
    private static final int ROWS = 32;

    private final double eps;
    private final double weightOffset;
    private final long batch;
    private final Tensor x;
    private final @Nullable Tensor weight;
    private final @Nullable Tensor bias;
    private final Moments fresh;
    private final @Nullable Moments start;
    private final Tensor y;
    private final Moments last;
    private final @Nullable Tensor means;
    private final @Nullable Tensor rstds;
    private final Timesteps steps;
    private final int rows;
    private final int groups;
    private final int d;

    TimestepNormForward(TimestepNormPlan plan, Timesteps steps, long batch, Tensor x, @Nullable Tensor weight,
            @Nullable Tensor bias, Moments fresh, @Nullable Moments start, Tensor y, Moments last, @Nullable Tensor means,
            @Nullable Tensor rstds) {
        this.eps = plan.eps();
        this.weightOffset = plan.weightOffset();
        this.batch = batch;
        this.x = x;
        this.weight = weight;
        this.bias = bias;
        this.fresh = fresh;
        this.start = start;
        this.y = y;
        this.last = last;
        this.means = means;
        this.rstds = rstds;
        rows = Math.toIntExact(x.size(1));
        groups = Math.toIntExact(fresh.groups());
        d = Math.toIntExact(x.size(2)) / groups;
        this.steps = steps;
        last.count().slice(0, batch, batch + 1).set(new long[] {rows == 0 ? VectorTimestepNorm.before(batch, fresh, start)
                : steps.counts()[rows - 1]});
    }

    void run(int first, int n, Scratch scratch) {
        int width = n * d;
        int block = Math.clamp(FLOATS / width, 1, ROWS);
        float[] w = GroupRows.parameter(weight, first * d, width, 1, weightOffset, scratch, 0);
        float[] shift = GroupRows.parameter(bias, first * d, width, 0, 0, scratch, 1);
        RunningMoments running = new RunningMoments(n, block, d, scratch);
        GroupRows.moments(start == null ? fresh : start, start == null ? 0 : batch, first, n, running.mean, running.var);
        MemorySegment from = GroupRows.memory(x);
        MemorySegment to = GroupRows.memory(y);
        for (int row = 0; row < rows; row += block) {
            int count = Math.min(block, rows - row);
            for (int t = 0; t < count; t++) {
                running.sums(from, place(x, row + t, first), t);
            }
            running.moments(count);
            for (int t = 0; t < count; t++) {
                if (steps.fresh()[row + t]) {
                    GroupRows.moments(fresh, 0, first, n, running.mean, running.var);
                }
                if (!steps.padded()[row + t]) {
                    running.update(t, 1.0 / steps.counts()[row + t]);
                }
                running.factors(eps);
                if (means != null && rstds != null) {
                    long at = (batch * rows + row + t) * groups + first;
                    GroupRows.store(running.mean, n, means, at);
                    GroupRows.store(running.rstd, n, rstds, at);
                }
                long yo = place(y, row + t, first);
                if (steps.padded()[row + t]) {
                    to.asSlice(yo, 4L * width).fill((byte) 0);
                } else {
                    running.normalize(from, place(x, row + t, first), to, yo, w, shift);
                }
            }
        }
        for (int g = 0; g < n; g++) {
            GroupRows.set(last.mean(), batch * groups + first + g, running.mean[g]);
            GroupRows.set(last.var(), batch * groups + first + g, running.var[g]);
        }
    }

    private long place(Tensor t, int row, int first) {
        return (t.offset() + (batch * rows + row) * t.size(2) + (long) first * d) * 4;
    }
}
