package dev.longspan.kernel.host;

import dev.longspan.bindings.host.Longspan;
import dev.longspan.bindings.host.ls_attention_params;
import dev.longspan.kernel.AttentionPlan;
import dev.longspan.kernel.Decay;
import dev.longspan.kernel.Dropout;
import dev.longspan.kernel.Rows;
import dev.longspan.kernel.host.HeadTasks.HeadTask;
import dev.longspan.parallel.Scratch;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/** The parameters of attention's downcalls, filled for each work item into its worker's own memory. */
record AttentionCall(AttentionPlan plan, Tensor q, Tensor k, Tensor v, Tensor out, Tensor lse, MemorySegment cancel) {

    // Scratch slots.
    private static final int PARAMS = 0;
    private static final int FIRST = 1;
    private static final int END = 2;
    private static final int DECAY = 3;
    private static final int BUFFERS = 4;

    AttentionCall {
        long batch = q.size(0);
        long heads = q.size(2);
        boolean fits = same(k, batch, k.size(1), heads, q.size(3)) && same(v, batch, k.size(1), heads, v.size(3))
                && same(out, batch, q.size(1), heads, v.size(3)) && lse.rank() == 3 && lse.size(0) == batch
                && lse.size(1) == heads && lse.size(2) == q.size(1);
        if (!fits) {
            throw new IllegalArgumentException("shapes must fit [B, Nq, H, D] of q: q=" + q + ", k=" + k + ", v=" + v + ", out="
                    + out + ", lse=" + lse);
        }
        boolean halfKeys = q.dtype() == DType.F32 && k.dtype() == DType.BF16;
        if (k.dtype() != q.dtype() && !halfKeys || v.dtype() != k.dtype() || out.dtype() != q.dtype()) {
            throw new IllegalArgumentException("q, k, v and out must have one dtype, or k and v BF16 beside F32: q=" + q.dtype()
                    + ", k=" + k.dtype() + ", v=" + v.dtype() + ", out=" + out.dtype());
        }
        Decay decay = plan.decay();
        if (decay != null && decay.log2PerEpoch().length < q.size(3)) {
            throw new IllegalArgumentException("decay must have a rate for each dimension: rates="
                    + decay.log2PerEpoch().length + ", q=" + q);
        }
    }

    private static boolean same(Tensor t, long... shape) {
        boolean equal = t.rank() == shape.length;
        for (int d = 0; equal && d < shape.length; d++) {
            equal = t.size(d) == shape[d];
        }
        return equal;
    }

    /** All that forward and backward have in common of some queries and keys of a task; the rest is zeros. */
    MemorySegment params(HeadTask task, long batch, long queriesFrom, long queriesTo, long keysFrom, long keysTo, Scratch scratch) {
        MemorySegment p = scratch.segment(PARAMS, ls_attention_params.sizeof()).fill((byte) 0);
        ls_attention_params.size(p, ls_attention_params.sizeof());
        // Slices first: C2 inlines in order, up to a limit, and keeps those off the heap whose use it inlines.
        ls_attention_params.q(p, head(q, batch, task.head()));
        ls_attention_params.k(p, head(k, batch, task.head()));
        ls_attention_params.v(p, head(v, batch, task.head()));
        ls_attention_params.out(p, head(out, batch, task.head()));
        ls_attention_params.lse(p, ofRows(lse, batch, task.head()));
        ls_attention_params.dim(p, q.size(3));
        ls_attention_params.value_dim(p, v.size(3));
        ls_attention_params.q_row(p, q.stride(1));
        ls_attention_params.k_row(p, k.stride(1));
        ls_attention_params.v_row(p, v.stride(1));
        ls_attention_params.out_row(p, out.stride(1));
        ls_attention_params.lse_row(p, lse.stride(2));
        rows(p, task);
        ls_attention_params.queries_from(p, queriesFrom);
        ls_attention_params.queries_to(p, queriesTo);
        ls_attention_params.keys_from(p, keysFrom);
        ls_attention_params.keys_to(p, keysTo);
        ls_attention_params.keys(p, task.keys());
        ls_attention_params.first_query(p, plan.firstQuery());
        visible(p, task, batch, queriesFrom, queriesTo, scratch);
        ls_attention_params.scale(p, plan.scale());
        ls_attention_params.pads(p, task.task().padKeys());
        mask(p, batch);
        decay(p, scratch);
        drop(p, batch * q.size(2) + task.head());
        ls_attention_params.scratch(p, scratch.segment(BUFFERS, Longspan.ls_attention_scratch(q.size(3), v.size(3)) * 4));
        ls_attention_params.cancel(p, cancel);
        ls_attention_params.half(p, Memory.half(q) ? 1 : Memory.half(k) ? 2 : 0);
        return p;
    }

    private static void rows(MemorySegment p, HeadTask task) {
        Rows queries = task.task().queries();
        ls_attention_params.query_start(p, queries.start());
        ls_attention_params.query_run(p, queries.run());
        ls_attention_params.query_period(p, queries.period());
        Rows keys = task.task().keys();
        ls_attention_params.key_start(p, keys.start());
        ls_attention_params.key_run(p, keys.run());
        ls_attention_params.key_period(p, keys.period());
        Rows positions = task.task().keyPositions();
        ls_attention_params.position_start(p, positions.start());
        ls_attention_params.position_run(p, positions.run());
        ls_attention_params.position_period(p, positions.period());
    }

    /** The interval of keys that each query sees, within those that there are. */
    private void visible(MemorySegment p, HeadTask task, long batch, long queriesFrom, long queriesTo, Scratch scratch) {
        int count = Math.toIntExact(queriesTo - queriesFrom);
        MemorySegment first = scratch.segment(FIRST, Math.max(1, count) * 4L);
        MemorySegment end = scratch.segment(END, Math.max(1, count) * 4L);
        for (int i = 0; i < count; i++) {
            long row = task.task().queries().at(queriesFrom + i);
            long from = plan.firstKey(task.branch(), task.task(), batch, row);
            long to = plan.endKey(task.branch(), task.task(), batch, row);
            first.setAtIndex(ValueLayout.JAVA_INT, i, (int) Math.clamp(from, 0, task.keys()));
            end.setAtIndex(ValueLayout.JAVA_INT, i, (int) Math.clamp(to, 0, task.keys()));
        }
        ls_attention_params.first(p, first);
        ls_attention_params.end(p, end);
    }

    private void mask(MemorySegment p, long batch) {
        Tensor mask = plan.mask();
        if (mask == null) {
            return;
        }
        if (!serves(mask, 0, q.size(0)) || !serves(mask, 1, q.size(1)) || !serves(mask, 2, k.size(1))) {
            throw new IllegalArgumentException("mask must be [B or 1, Nq or 1, Nk]: mask=" + mask + ", q=" + q + ", k=" + k);
        }
        Tensor of = mask.select(0, mask.size(0) == 1 ? 0 : batch);
        ls_attention_params.mask(p, of.segment().asSlice(of.offset(),
                (of.size(0) - 1) * of.stride(0) + (of.size(1) - 1) * of.stride(1) + 1));
        ls_attention_params.mask_row(p, of.size(0) == 1 ? 0 : of.stride(0));
        ls_attention_params.mask_col(p, of.size(1) == 1 ? 0 : of.stride(1));
    }

    private static boolean serves(Tensor mask, int dim, long size) {
        return mask.size(dim) == 1 || mask.size(dim) == size;
    }

    private void decay(MemorySegment p, Scratch scratch) {
        Decay decay = plan.decay();
        if (decay != null) {
            double[] rates = decay.log2PerEpoch();
            MemorySegment to = scratch.segment(DECAY, rates.length * 8L);
            MemorySegment.copy(rates, 0, to, ValueLayout.JAVA_DOUBLE, 0, rates.length);
            ls_attention_params.epoch(p, decay.epoch());
            ls_attention_params.decay(p, to);
        }
    }

    private void drop(MemorySegment p, long batchHead) {
        Dropout dropout = plan.dropout();
        if (dropout != null) {
            ls_attention_params.drop_rate(p, dropout.rate());
            ls_attention_params.drop_seed(p, dropout.seed() ^ batchHead * 0x9E3779B97F4A7C15L);
            ls_attention_params.drop_stream(p, dropout.stream());
        }
    }

    /** All rows of one head of one batch row of a [B, N, H, D] tensor. */
    static MemorySegment head(Tensor t, long batch, int head) {
        if (t.size(3) > 1 && t.stride(3) != 1) {
            throw new IllegalArgumentException("dimensions of a head must be neighbours: " + t + ", stride=" + t.stride(3));
        }
        return Memory.strided(t, batch * t.stride(0) + head * t.stride(2), t.size(1), t.stride(1), t.size(3));
    }

    /** The numbers of one head of one batch row of a [B, H, N] tensor. */
    private static MemorySegment ofRows(Tensor t, long batch, int head) {
        return Memory.range(t, place(t, batch, head), span(t));
    }

    /** As {@link #ofRows}; NULL where the tensor is absent. */
    static MemorySegment ofRowsOrNull(@Nullable Tensor t, long batch, int head) {
        return Memory.rangeOrNull(t, t == null ? 0 : place(t, batch, head), t == null ? 0 : span(t));
    }

    private static long place(Tensor t, long batch, int head) {
        return batch * t.stride(0) + head * t.stride(1);
    }

    private static long span(Tensor t) {
        return t.size(2) == 0 ? 0 : (t.size(2) - 1) * t.stride(2) + 1;
    }
}
