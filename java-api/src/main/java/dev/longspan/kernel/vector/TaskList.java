package dev.longspan.kernel.vector;

import dev.longspan.kernel.AttentionPlan;
import dev.longspan.kernel.AttentionTask;
import dev.longspan.parallel.Parallel;
import dev.longspan.parallel.Scratch;
import dev.longspan.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The tasks of one branch, for all heads and batch rows, split into work items by their shape alone. */
final class TaskList {

    /** One task of one head, with the blocks of its queries and keys. */
    record Entry(int branch, int head, AttentionTask task, Blocks queries, Blocks keys) {
    }

    /** One work item: blocks {@code from} to {@code to}, of queries or of keys as the splitter had it. */
    @FunctionalInterface
    interface Item {
        void run(Entry entry, long batch, int from, int to, Scratch scratch);
    }

    private final List<Entry> entries = new ArrayList<>();
    private final long batches;
    private final int[] queryBlocks;
    private final int[] keyBlocks;
    /** Work items up to each entry, for the few ways in which kernels split them. */
    private final Map<Split, long[]> ends = new ConcurrentHashMap<>();

    /** Blocks of queries or of keys, so many an item. */
    private record Split(boolean ofQueries, int group) {
    }

    TaskList(AttentionPlan plan, int branch, Tensor q, Tensor k) {
        batches = q.size(0);
        int heads = Math.toIntExact(q.size(2));
        for (int head = 0; head < heads; head++) {
            for (AttentionTask task : plan.pattern().tasks(branch, head, heads, plan.firstQuery(), q.size(1), k.size(1),
                    plan.causal())) {
                entries.add(new Entry(branch, head, task, Blocks.of(task.queries(), plan.firstQuery(), plan.decay()),
                        Blocks.of(task.keyPositions(), 0, plan.decay())));
            }
        }
        queryBlocks = entries.stream().mapToInt(e -> e.queries.count()).toArray();
        keyBlocks = entries.stream().mapToInt(e -> e.keys.count()).toArray();
    }

    private long[] ends(Split by, int[] blocks) {
        return ends.computeIfAbsent(by, split -> {
            long[] sums = new long[blocks.length];
            long total = 0;
            for (int i = 0; i < blocks.length; i++) {
                total += Math.ceilDiv(blocks[i], split.group);
                sums[i] = total;
            }
            return sums;
        });
    }

    /** How many tasks there are. */
    long count() {
        return batches * entries.size();
    }

    /** An item for every {@code group} query blocks. */
    void forEachQueryGroup(Parallel parallel, int group, Item item) {
        run(parallel, true, group, item);
    }

    /** An item for every {@code group} key blocks. */
    void forEachKeyGroup(Parallel parallel, int group, Item item) {
        run(parallel, false, group, item);
    }

    private void run(Parallel parallel, boolean ofQueries, int group, Item item) {
        int[] blocks = ofQueries ? queryBlocks : keyBlocks;
        long[] ends = ends(new Split(ofQueries, group), blocks);
        long perBatch = ends.length == 0 ? 0 : ends[ends.length - 1];
        parallel.forEach(batches * perBatch, (number, scratch) -> {
            long within = number % perBatch;
            int found = Arrays.binarySearch(ends, within);
            int entry = found >= 0 ? found + 1 : -found - 1;
            while (ends[entry] <= within) {
                entry++; // entries without blocks share their end with the one before
            }
            int from = (int) (within - (entry == 0 ? 0 : ends[entry - 1])) * group;
            item.run(entries.get(entry), number / perBatch, from, (int) Math.min(blocks[entry], from + (long) group),
                    scratch);
        });
    }
}
