package dev.longspan.kernel.host;

import dev.longspan.bindings.host.Longspan;
import dev.longspan.kernel.AttentionCut;
import dev.longspan.kernel.AttentionKernel;
import dev.longspan.kernel.AttentionPattern;
import dev.longspan.kernel.AttentionPlan;
import dev.longspan.parallel.KeptMemory;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Attention by downcalls for spans of queries or keys of one task; branches one after the other, each a parallel region.
 * Operands are float32, or bfloat16 with sums, log-sum-exps and gradients in float32; a result is rounded once a branch, and by
 * the library's tier {@code avx512_bf16} each weight and each gradient of a score too.
 */
final class HostAttention implements AttentionKernel {

    private final KeptMemory deltas = new KeptMemory();
    private volatile @Nullable Tasks latest;

    /** The tasks of all branches, and what they depend on. */
    private record Tasks(AttentionCut cut, List<HeadTasks> branches) {
    }

    @Override
    public void forward(Parallel parallel, AttentionPlan plan, Tensor q, Tensor k, Tensor v, Tensor out, Tensor lse) {
        AttentionCall call = new AttentionCall(plan, q, k, v, out, lse, parallel.cancelFlag());
        long span = Longspan.ls_attention_span(q.size(3), v.size(3));
        List<HeadTasks> branches = tasks(plan, q, k);
        for (int branch = 0; branch < branches.size(); branch++) {
            branches.get(branch).forEachSpan(parallel, span, HeadTasks.Along.QUERIES, (task, batch, from, to, scratch) ->
                    Status.check(Longspan.ls_attention(call.params(task, batch, from, to, 0, task.keys(), scratch))));
        }
    }

    @Override
    public void backward(Parallel parallel, AttentionPlan plan, Tensor q, Tensor k, Tensor v, Tensor out, Tensor lse,
            Tensor dOut, @Nullable Tensor dLse, Tensor dq, Tensor dk, Tensor dv) {
        boolean detached = plan.gradient() == AttentionPlan.Gradient.DETACHED;
        MemorySegment delta = detached ? deltas.take(lse.elements()) : MemorySegment.NULL;
        GradientCall call = new GradientCall(new AttentionCall(plan, q, k, v, out, lse, parallel.cancelFlag()), dOut, dLse,
                delta, dq, dk, dv, plan.pattern() instanceof AttentionPattern.Dense);
        long span = Longspan.ls_attention_span(q.size(3), v.size(3));
        List<HeadTasks> branches = tasks(plan, q, k);
        for (int branch = 0; branch < branches.size(); branch++) {
            HeadTasks tasks = branches.get(branch);
            if (detached) {
                tasks.forEachSpan(parallel, span, HeadTasks.Along.QUERIES, (task, batch, from, to, scratch) ->
                        Status.check(Longspan.ls_attention_deltas(
                                call.params(task, batch, from, to, 0, task.keys(), false, true, scratch))));
            }
            gradients(parallel, call, tasks, span);
        }
        if (detached) {
            deltas.give(delta);
        }
    }

    /**
     * A task is one item, so that nobody else adds to its rows. Too few of them for the team are split twice, by keys and by
     * queries, at the price of computing scores twice; sums keep their order, and with it their bits.
     */
    private static void gradients(Parallel parallel, GradientCall call, HeadTasks tasks, long span) {
        if (tasks.count() >= parallel.threads()) {
            tasks.forEachSpan(parallel, Long.MAX_VALUE, HeadTasks.Along.KEYS, (task, batch, from, to, scratch) ->
                    Status.check(Longspan.ls_attention_backward(
                            call.params(task, batch, 0, task.queries(), from, to, true, true, scratch))));
        } else {
            tasks.forEachSpan(parallel, span, HeadTasks.Along.KEYS, (task, batch, from, to, scratch) ->
                    Status.check(Longspan.ls_attention_backward(
                            call.params(task, batch, 0, task.queries(), from, to, true, false, scratch))));
            tasks.forEachSpan(parallel, span, HeadTasks.Along.QUERIES, (task, batch, from, to, scratch) ->
                    Status.check(Longspan.ls_attention_backward(
                            call.params(task, batch, from, to, 0, task.keys(), false, true, scratch))));
        }
    }

    /** The last ones again, as a rule: layers of a model have one pattern. */
    private List<HeadTasks> tasks(AttentionPlan plan, Tensor q, Tensor k) {
        AttentionCut cut = AttentionCut.of(plan, q, k);
        Tasks tasks = latest;
        if (tasks == null || !tasks.cut.equals(cut)) {
            tasks = new Tasks(cut, IntStream.range(0, plan.pattern().branches()).mapToObj(branch -> HeadTasks.of(plan, branch, q, k))
                    .toList());
            latest = tasks;
        }
        return tasks.branches;
    }
}
