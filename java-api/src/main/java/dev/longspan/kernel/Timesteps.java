package dev.longspan.kernel;

import java.util.Arrays;

/**
 * The rows of one sequence as a timestep norm counts them.
 *
 * @param counts timesteps seen after each row
 * @param fresh rows before which the moments start afresh
 * @param padded rows that do not count
 */
@SuppressWarnings("ArrayRecordComponent") // read once by the kernel that asked for it
public record Timesteps(long[] counts, boolean[] fresh, boolean[] padded) {

    /** Sequence {@code batch} of a plan; {@code start} and {@code prior} are the counts of its start and of fresh moments. */
    public static Timesteps of(TimestepNormPlan plan, long batch, int rows, long start, long prior) {
        long[] counts = new long[rows];
        boolean[] fresh = new boolean[rows];
        boolean[] padded = new boolean[rows];
        long[] resets = ScanPlan.forward(plan.documents(), plan.first()).resets(batch, rows);
        for (long reset : Arrays.copyOf(resets, resets.length - 1)) {
            fresh[(int) reset] = true;
        }
        long count = start;
        for (int t = 0; t < rows; t++) {
            padded[t] = plan.padding() != null && plan.padding().get(batch, t) != 0;
            count = (fresh[t] ? prior : count) + (padded[t] ? 0 : 1);
            counts[t] = count;
        }
        return new Timesteps(counts, fresh, padded);
    }
}
