package dev.longspan.kernel.host;

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

/** The tasks of one branch for all heads and batch rows, cut into work items by their shape alone. */
final class HeadTasks {

    private final List<HeadTask> tasks;
    private final long batches;
    /** Work items up to each task, for the few ways in which they are cut. */
    private final Map<Split, long[]> ends = new ConcurrentHashMap<>();

    private HeadTasks(List<HeadTask> tasks, long batches) {
        this.tasks = tasks;
        this.batches = batches;
    }

    /** So many queries or keys an item. */
    private record Split(long span, Along along) {
    }

    /** One task of one head. */
    record HeadTask(int branch, int head, AttentionTask task) {
        long queries() {
            return task.queries().count();
        }

        long keys() {
            return task.keys().count();
        }
    }

    /** What is cut. */
    enum Along {
        QUERIES, KEYS
    }

    /** One work item: queries or keys {@code from} to {@code to} of a task. */
    @FunctionalInterface
    interface Item {
        void run(HeadTask task, long batch, long from, long to, Scratch scratch);
    }

    static HeadTasks of(AttentionPlan plan, int branch, Tensor q, Tensor k) {
        int heads = Math.toIntExact(q.size(2));
        List<HeadTask> tasks = new ArrayList<>();
        for (int head = 0; head < heads; head++) {
            for (AttentionTask task : plan.pattern().tasks(branch, head, heads, plan.firstQuery(), q.size(1), k.size(1),
                    plan.causal())) {
                check(task, q.size(1), k.size(1));
                tasks.add(new HeadTask(branch, head, task));
            }
        }
        return new HeadTasks(tasks, q.size(0));
    }

    /** C takes rows as they come: none may lie beyond the tensors. */
    private static void check(AttentionTask task, long queries, long keys) {
        boolean fits = task.queries().count() == 0 || task.queries().start() >= 0
                && task.queries().at(task.queries().count() - 1) < queries;
        fits &= task.keys().count() == 0 || task.keys().start() >= 0 && task.keys().at(task.keys().count() - 1) < keys;
        if (!fits || task.keyPositions().count() != task.keys().count() || task.keys().count() > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("a task's rows must lie within q and k: task=" + task + ", queries=" + queries
                    + ", keys=" + keys);
        }
    }

    long count() {
        return batches * tasks.size();
    }

    /** An item for every {@code span} rows of every task. */
    void forEachSpan(Parallel parallel, long span, Along along, Item item) {
        long[] ends = ends(span, along);
        long perBatch = ends.length == 0 ? 0 : ends[ends.length - 1];
        parallel.forEach(batches * perBatch, (number, scratch) -> {
            long within = number % perBatch;
            int found = Arrays.binarySearch(ends, within);
            int task = found >= 0 ? found + 1 : -found - 1;
            while (ends[task] <= within) {
                task++; // tasks without rows share their end with the one before
            }
            long from = (within - (task == 0 ? 0 : ends[task - 1])) * span;
            long rows = rows(task, along);
            item.run(tasks.get(task), number / perBatch, from, rows - from <= span ? rows : from + span, scratch);
        });
    }

    private long[] ends(long span, Along along) {
        return ends.computeIfAbsent(new Split(span, along), split -> {
            long[] sums = new long[tasks.size()];
            long total = 0;
            for (int i = 0; i < sums.length; i++) {
                total += Math.ceilDiv(rows(i, along), span);
                sums[i] = total;
            }
            return sums;
        });
    }

    private long rows(int task, Along along) {
        return along == Along.QUERIES ? tasks.get(task).queries() : tasks.get(task).keys();
    }
}
