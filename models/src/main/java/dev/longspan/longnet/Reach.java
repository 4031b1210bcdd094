package dev.longspan.longnet;

import dev.longspan.kernel.AttentionPattern.Branch;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Breadth-first search from a query to the positions it depends on. Positions of one branch, segment and phase see each
 * other back to the first, so a class needs only to remember how far it is marked: {@code O(branches · N)} in all.
 */
final class Reach {

    private final SchedulePlan plan;
    private final List<Branch> schedule;
    private final BitSet reached = new BitSet();
    private final Map<Long, Long> marked = new HashMap<>();
    private final boolean[][] kept;

    Reach(SchedulePlan plan) {
        this.plan = plan;
        this.schedule = plan.schedule();
        this.kept = new boolean[schedule.size()][];
        for (int i = 0; i < kept.length; i++) {
            long dilation = schedule.get(i).dilation();
            kept[i] = new boolean[Math.toIntExact(dilation)];
            for (int h = 0; h < plan.heads(); h++) {
                kept[i][(int) plan.offset().of(h, plan.heads(), dilation)] = true;
            }
        }
    }

    /** Adds to {@code counts[d]} how many positions the query depends on through d + 1 layers. */
    void from(long query, int layers, double[] counts) {
        // The residual carries a position to itself.
        reached.set(Math.toIntExact(query));
        int[] frontier = {(int) query};
        long total = 1;
        for (int d = 0; d < layers; d++) {
            int[] next = new int[16];
            int found = 0;
            for (int position : frontier) {
                for (int i = 0; i < schedule.size(); i++) {
                    Branch b = schedule.get(i);
                    long start = position / b.segment() * b.segment();
                    long phase = (position - start) % b.dilation();
                    if (!kept[i][(int) phase]) {
                        continue;
                    }
                    long from = marked.getOrDefault(key(i, start + phase), start + phase);
                    for (long p = from; p <= position; p += b.dilation()) {
                        if (!reached.get((int) p)) {
                            reached.set((int) p);
                            if (found == next.length) {
                                next = Arrays.copyOf(next, 2 * found);
                            }
                            next[found++] = (int) p;
                        }
                    }
                    marked.put(key(i, start + phase), Math.max(from, position + b.dilation()));
                }
            }
            frontier = Arrays.copyOf(next, found);
            total += found;
            counts[d] += total;
        }
    }

    private long key(int branch, long first) {
        return branch * plan.length() + first;
    }
}
