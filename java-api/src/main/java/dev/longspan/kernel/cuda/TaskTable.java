package dev.longspan.kernel.cuda;

import dev.longspan.bindings.cuda.ls_cuda_attention_task;
import dev.longspan.kernel.AttentionPattern;
import dev.longspan.kernel.AttentionTask;
import dev.longspan.kernel.Rows;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** The tasks of one branch for all heads, as the device reads them. */
record TaskTable(AttentionPattern pattern, int branch, int heads, long firstQuery, long queries, long keys, boolean causal) {

    /**
     * How many tasks there are, and the greatest numbers of queries and keys of one.
     *
     * @param keyPeriod of all tasks' keys where each is a run of one row, else 0
     */
    record Size(long tasks, long mostQueries, long mostKeys, long keyPeriod) {
    }

    private record HeadTask(int head, AttentionTask task) {
    }

    Tables.Made make(Arena arena) {
        List<HeadTask> tasks = new ArrayList<>();
        long mostQueries = 0;
        long mostKeys = 0;
        for (int head = 0; head < heads; head++) {
            for (AttentionTask task : pattern.tasks(branch, head, heads, firstQuery, queries, keys, causal)) {
                check(task);
                tasks.add(new HeadTask(head, task));
                mostQueries = Math.max(mostQueries, task.queries().count());
                mostKeys = Math.max(mostKeys, task.keys().count());
            }
        }
        long each = ls_cuda_attention_task.sizeof();
        MemorySegment table = arena.allocate(Math.max(1, tasks.size()) * each, 8);
        for (int i = 0; i < tasks.size(); i++) {
            write(table.asSlice(i * each, each), tasks.get(i));
        }
        return new Tables.Made(table, new Size(tasks.size(), mostQueries, mostKeys, keyPeriod(tasks)));
    }

    private static long keyPeriod(List<HeadTask> tasks) {
        long period = 0;
        for (HeadTask task : tasks) {
            Rows keys = task.task.keys();
            if (keys.count() > 1) {
                if (keys.run() != 1 || period != 0 && keys.period() != period) {
                    return 0;
                }
                period = keys.period();
            }
        }
        return Math.max(1, period);
    }

    private static void write(MemorySegment t, HeadTask task) {
        ls_cuda_attention_task.head(t, task.head);
        Rows q = task.task.queries();
        ls_cuda_attention_task.query_start(t, q.start());
        ls_cuda_attention_task.query_run(t, q.run());
        ls_cuda_attention_task.query_period(t, q.period());
        ls_cuda_attention_task.queries(t, q.count());
        Rows k = task.task.keys();
        ls_cuda_attention_task.key_start(t, k.start());
        ls_cuda_attention_task.key_run(t, k.run());
        ls_cuda_attention_task.key_period(t, k.period());
        ls_cuda_attention_task.keys(t, k.count());
        Rows p = task.task.keyPositions();
        ls_cuda_attention_task.position_start(t, p.start());
        ls_cuda_attention_task.position_run(t, p.run());
        ls_cuda_attention_task.position_period(t, p.period());
        ls_cuda_attention_task.pads(t, task.task.padKeys());
    }

    /** The device takes rows as they come: none may lie beyond the tensors. */
    private void check(AttentionTask task) {
        boolean fits = within(task.queries(), queries) && within(task.keys(), keys);
        if (!fits || task.keyPositions().count() != task.keys().count() || task.keys().count() > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("a task's rows must lie within q and k: task=" + task + ", queries=" + queries
                    + ", keys=" + keys);
        }
    }

    private static boolean within(Rows rows, long size) {
        return rows.count() == 0 || rows.start() >= 0 && rows.at(rows.count() - 1) < size;
    }
}
