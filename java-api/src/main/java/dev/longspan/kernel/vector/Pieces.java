package dev.longspan.kernel.vector;

import dev.longspan.kernel.ScanPlan;
import dev.longspan.parallel.Scratch;
import java.util.Arrays;

/** The steps of a block, cut where the state is forgotten and into whole {@link CemaStretches#STEPS} and what is left. */
final class Pieces {

    private final long[] resets;
    private final int[] starts;
    private final int[] fresh;
    private int count;

    /** @param resets steps that forget the state before them, in order, and the number of steps behind the last */
    Pieces(long[] resets, Scratch scratch) {
        this.resets = resets;
        starts = scratch.ints(0, 2 * ScanPlan.BLOCK + 1);
        fresh = scratch.ints(1, 2 * ScanPlan.BLOCK);
    }

    /** Cuts steps {@code from} to {@code from + steps − 1}. */
    void cut(long from, int steps) {
        count = 0;
        int found = Arrays.binarySearch(resets, from);
        int next = found >= 0 ? found : -found - 1;
        int at = 0;
        while (at < steps) {
            boolean forgets = resets[next] == from + at;
            next += forgets ? 1 : 0;
            int end = (int) Math.min(steps, next < resets.length ? resets[next] - from : steps);
            while (at < end) {
                starts[count] = at;
                fresh[count++] = forgets ? 1 : 0;
                forgets = false;
                at += stepsOf(end - at) * stretchesOf(end - at);
            }
        }
        starts[count] = steps;
    }

    int count() {
        return count;
    }

    /** First step of a piece, within the block. */
    int from(int piece) {
        return starts[piece];
    }

    /** The step behind its last. */
    int to(int piece) {
        return starts[piece + 1];
    }

    /** Stretches of a piece, and steps of each. */
    int stretches(int piece) {
        return stretchesOf(to(piece) - from(piece));
    }

    int steps(int piece) {
        return stepsOf(to(piece) - from(piece));
    }

    private static int stretchesOf(int steps) {
        return Math.max(1, steps / CemaStretches.STEPS);
    }

    private static int stepsOf(int steps) {
        return Math.min(steps, CemaStretches.STEPS);
    }

    /** Whether it forgets the state before it. */
    boolean isFresh(int piece) {
        return fresh[piece] == 1;
    }
}
