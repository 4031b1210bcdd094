package dev.longspan.kernel;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The rows of one sequence as a timestep norm counts them.
 *
 * @param counts timesteps seen after each row; arrays may be longer than there are rows
 * @param fresh rows before which the moments start afresh
 * @param padded rows that do not count
 */
@SuppressWarnings("ArrayRecordComponent") // read once by the kernel that asked for it
public record Timesteps(long[] counts, boolean[] fresh, boolean[] padded) {

    /** Sequence {@code batch} of a plan; {@code start} and {@code prior} are the counts of its start and of fresh moments. */
    public static Timesteps of(TimestepNormPlan plan, long batch, int rows, long start, long prior) {
        return of(null, plan, batch, rows, start, prior);
    }

    /** The same in the arrays of others that nobody reads any more, if they are long enough. */
    public static Timesteps of(@Nullable Timesteps old, TimestepNormPlan plan, long batch, int rows, long start, long prior) {
        Timesteps steps = old != null && old.counts.length >= rows ? old
                : new Timesteps(new long[rows], new boolean[rows], new boolean[rows]);
        steps.count(plan, batch, rows, start, prior);
        return steps;
    }

    private void count(TimestepNormPlan plan, long batch, int rows, long start, long prior) {
        Arrays.fill(fresh, 0, rows, false);
        if (plan.documents() != null) {
            long[] resets = ScanPlan.forward(plan.documents(), plan.first()).resets(batch, rows);
            for (int i = 0; i < resets.length - 1; i++) {
                fresh[(int) resets[i]] = true;
            }
        }
        long count = start;
        for (int t = 0; t < rows; t++) {
            padded[t] = plan.padding() != null && plan.padding().get(batch, t) != 0;
            count = (fresh[t] ? prior : count) + (padded[t] ? 0 : 1);
            counts[t] = count;
        }
    }
}
