package dev.longspan.kernel.cuda;

import dev.longspan.bindings.cuda.LongspanCuda;
import dev.longspan.bindings.cuda.ls_cuda_attention_params;
import dev.longspan.kernel.AttentionPattern;
import dev.longspan.kernel.AttentionPlan;
import dev.longspan.kernel.Decay;
import dev.longspan.kernel.Documents;
import dev.longspan.kernel.Dropout;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The parameters of attention's downcalls, filled once for all branches and then for each. */
final class AttentionParams {

    /** True: bfloat16 goes through the kernel for compute capability 9.0 where it can. Off, since no device has run it yet. */
    static final String HOPPER = "longspan.cuda.hopper";

    private final CudaSpace space;
    private final DevicePointer at;
    private final AttentionPlan plan;
    private final Tensor q;
    private final Tensor k;
    private final MemorySegment p;

    /** A table of documents or rates; {@code what} is equal only to itself or to the same numbers. */
    private record Key(Object what, long rows) {
    }

    AttentionParams(CudaSpace space, Arena arena, AttentionPlan plan, Tensor q, Tensor k, Tensor v, Tensor out, Tensor lse) {
        this.space = space;
        this.at = new DevicePointer(space);
        this.plan = plan;
        this.q = q;
        this.k = k;
        this.p = ls_cuda_attention_params.allocate(arena);
        DevicePointer.shape("k", k, q.size(0), k.size(1), q.size(2), q.size(3));
        DevicePointer.shape("v", v, q.size(0), k.size(1), q.size(2), v.size(3));
        DevicePointer.shape("out", out, q.size(0), q.size(1), q.size(2), v.size(3));
        DevicePointer.shape("lse", lse, q.size(0), q.size(2), q.size(1));
        ls_cuda_attention_params.size(p, ls_cuda_attention_params.sizeof());
        ls_cuda_attention_params.batch(p, q.size(0));
        ls_cuda_attention_params.heads(p, q.size(2));
        ls_cuda_attention_params.queries(p, q.size(1));
        ls_cuda_attention_params.keys(p, k.size(1));
        ls_cuda_attention_params.dim(p, q.size(3));
        ls_cuda_attention_params.value_dim(p, v.size(3));
        ls_cuda_attention_params.q(p, heads("q", q, q.dtype()));
        ls_cuda_attention_params.q_batch(p, q.stride(0));
        ls_cuda_attention_params.q_row(p, q.stride(1));
        ls_cuda_attention_params.q_head(p, q.stride(2));
        ls_cuda_attention_params.k(p, heads("k", k, q.dtype()));
        ls_cuda_attention_params.k_batch(p, k.stride(0));
        ls_cuda_attention_params.k_row(p, k.stride(1));
        ls_cuda_attention_params.k_head(p, k.stride(2));
        ls_cuda_attention_params.v(p, heads("v", v, q.dtype()));
        ls_cuda_attention_params.v_batch(p, v.stride(0));
        ls_cuda_attention_params.v_row(p, v.stride(1));
        ls_cuda_attention_params.v_head(p, v.stride(2));
        ls_cuda_attention_params.out(p, heads("out", out, q.dtype()));
        ls_cuda_attention_params.out_batch(p, out.stride(0));
        ls_cuda_attention_params.out_row(p, out.stride(1));
        ls_cuda_attention_params.out_head(p, out.stride(2));
        ls_cuda_attention_params.lse(p, floats("lse", lse));
        ls_cuda_attention_params.lse_batch(p, lse.stride(0));
        ls_cuda_attention_params.lse_head(p, lse.stride(1));
        ls_cuda_attention_params.lse_row(p, lse.stride(2));
        ls_cuda_attention_params.first_query(p, plan.firstQuery());
        ls_cuda_attention_params.blockwise(p, plan.blockwise());
        ls_cuda_attention_params.scale(p, plan.scale());
        ls_cuda_attention_params.causal(p, plan.causal() ? 1 : 0);
        ls_cuda_attention_params.half(p, DevicePointer.half(q));
        documents();
        mask();
        decay();
        dropout();
    }

    /** The backward's own: gradients are float32, of the shapes of what they are of. */
    void gradients(Tensor out, Tensor v, Tensor dOut, @Nullable Tensor dLse, Tensor dq, Tensor dk, Tensor dv) {
        DevicePointer.shape("dOut", dOut, out.shape());
        DevicePointer.shape("dq", dq, q.shape());
        DevicePointer.shape("dk", dk, k.shape());
        DevicePointer.shape("dv", dv, v.shape());
        ls_cuda_attention_params.d_out(p, heads("dOut", dOut, q.dtype()));
        ls_cuda_attention_params.d_out_batch(p, dOut.stride(0));
        ls_cuda_attention_params.d_out_row(p, dOut.stride(1));
        ls_cuda_attention_params.d_out_head(p, dOut.stride(2));
        if (dLse != null) {
            DevicePointer.shape("dLse", dLse, q.size(0), q.size(2), q.size(1));
            ls_cuda_attention_params.d_lse(p, floats("dLse", dLse));
            ls_cuda_attention_params.d_lse_batch(p, dLse.stride(0));
            ls_cuda_attention_params.d_lse_head(p, dLse.stride(1));
            ls_cuda_attention_params.d_lse_row(p, dLse.stride(2));
        }
        ls_cuda_attention_params.delta(p, MemorySegment.ofAddress(
                space.scratch(DeviceScratch.Slot.DELTA, q.size(0) * q.size(1) * q.size(2) * Float.BYTES)));
        ls_cuda_attention_params.dq(p, heads("dq", dq, DType.F32));
        ls_cuda_attention_params.dq_batch(p, dq.stride(0));
        ls_cuda_attention_params.dq_row(p, dq.stride(1));
        ls_cuda_attention_params.dq_head(p, dq.stride(2));
        ls_cuda_attention_params.dk(p, heads("dk", dk, DType.F32));
        ls_cuda_attention_params.dk_batch(p, dk.stride(0));
        ls_cuda_attention_params.dk_row(p, dk.stride(1));
        ls_cuda_attention_params.dk_head(p, dk.stride(2));
        ls_cuda_attention_params.dv(p, heads("dv", dv, DType.F32));
        ls_cuda_attention_params.dv_batch(p, dv.stride(0));
        ls_cuda_attention_params.dv_row(p, dv.stride(1));
        ls_cuda_attention_params.dv_head(p, dv.stride(2));
    }

    /** The parameters without tasks. */
    MemorySegment all() {
        ls_cuda_attention_params.task_count(p, 0);
        return scratched();
    }

    /** The parameters of a branch; none where it has no tasks. */
    @Nullable MemorySegment branch(int branch) {
        TaskTable key = new TaskTable(plan.pattern(), branch, Math.toIntExact(q.size(2)), plan.firstQuery(), q.size(1), k.size(1),
                plan.causal());
        Tables.Table tasks = space.tables().get(key, key::make);
        TaskTable.Size size = (TaskTable.Size) tasks.about();
        if (size.tasks() == 0) {
            return null;
        }
        ls_cuda_attention_params.tasks(p, MemorySegment.ofAddress(tasks.address()));
        ls_cuda_attention_params.task_count(p, size.tasks());
        ls_cuda_attention_params.most_queries(p, size.mostQueries());
        ls_cuda_attention_params.most_keys(p, size.mostKeys());
        ls_cuda_attention_params.key_period(p, Boolean.getBoolean(HOPPER) ? size.keyPeriod() : 0);
        switch (plan.pattern()) {
            case AttentionPattern.BlockLocal local -> blocks(local.block(), local.before(), local.after());
            // Behind its own block a query sees the summaries of all blocks in front.
            case AttentionPattern.FixedSparse fixed when branch == 1 -> blocks(fixed.block(), Integer.MAX_VALUE, -1);
            default -> blocks(0, 0, 0);
        }
        return scratched();
    }

    private void blocks(long block, long before, long after) {
        ls_cuda_attention_params.block(p, block);
        ls_cuda_attention_params.before(p, before);
        ls_cuda_attention_params.after(p, after);
    }

    private MemorySegment scratched() {
        ls_cuda_attention_params.scratch(p, space.kernelScratch(LongspanCuda.ls_cuda_attention_scratch(p)));
        return p;
    }

    private void documents() {
        Documents documents = plan.documents();
        if (documents == null) {
            return;
        }
        long end = plan.firstQuery() + Math.max(q.size(1), k.size(1));
        Tables.Table table = space.tables().get(new Key(documents, end), arena -> {
            List<long[]> rows = new ArrayList<>();
            int most = 0;
            for (int b = 0; b < documents.batch(); b++) {
                rows.add(documents.starts(b));
                most = Math.max(most, rows.getLast().length);
            }
            MemorySegment starts = arena.allocate(ValueLayout.JAVA_LONG, (long) rows.size() * most);
            for (int b = 0; b < rows.size(); b++) {
                for (int i = 0; i < most; i++) {
                    starts.setAtIndex(ValueLayout.JAVA_LONG, (long) b * most + i,
                            i < rows.get(b).length ? rows.get(b)[i] : Long.MAX_VALUE);
                }
            }
            return new Tables.Made(starts, (long) most);
        });
        long count = (Long) table.about();
        ls_cuda_attention_params.documents(p, MemorySegment.ofAddress(table.address()));
        ls_cuda_attention_params.document_count(p, count);
        ls_cuda_attention_params.documents_batch(p, documents.batch() == 1 ? 0 : count);
    }

    private void mask() {
        Tensor mask = plan.mask();
        if (mask == null) {
            return;
        }
        if (!serves(mask, 0, q.size(0)) || !serves(mask, 1, q.size(1)) || !serves(mask, 2, k.size(1))) {
            throw new IllegalArgumentException("mask must be [B or 1, Nq or 1, Nk]: mask=" + mask + ", q=" + q + ", k=" + k);
        }
        ls_cuda_attention_params.mask(p, at.of(mask));
        ls_cuda_attention_params.mask_batch(p, mask.size(0) == 1 ? 0 : mask.stride(0));
        ls_cuda_attention_params.mask_row(p, mask.size(1) == 1 ? 0 : mask.stride(1));
        ls_cuda_attention_params.mask_col(p, mask.size(2) == 1 ? 0 : mask.stride(2));
    }

    private static boolean serves(Tensor mask, int dim, long size) {
        return mask.size(dim) == 1 || mask.size(dim) == size;
    }

    private void decay() {
        Decay decay = plan.decay();
        if (decay == null) {
            return;
        }
        double[] rates = decay.log2PerEpoch();
        if (rates.length < q.size(3)) {
            throw new IllegalArgumentException("decay must have a rate for each dimension: rates=" + rates.length + ", q=" + q);
        }
        List<Double> values = Arrays.stream(rates).boxed().toList();
        Tables.Table table = space.tables().get(new Key(values, rates.length), arena ->
                new Tables.Made(arena.allocateFrom(ValueLayout.JAVA_DOUBLE, rates), rates.length));
        ls_cuda_attention_params.epoch(p, decay.epoch());
        ls_cuda_attention_params.decay(p, MemorySegment.ofAddress(table.address()));
    }

    private void dropout() {
        Dropout dropout = plan.dropout();
        if (dropout != null) {
            ls_cuda_attention_params.drop_rate(p, dropout.rate());
            ls_cuda_attention_params.drop_seed(p, dropout.seed());
            ls_cuda_attention_params.drop_stream(p, dropout.stream());
        }
    }

    /** The first element of a [B, N, H, D] tensor whose D are neighbours. */
    private MemorySegment heads(String name, Tensor t, DType dtype) {
        if (t.dtype() != dtype || t.size(3) > 1 && t.stride(3) != 1) {
            throw new IllegalArgumentException(name + " must be " + dtype + " with neighbours in a head: " + name + "=" + t);
        }
        return at.of(t);
    }

    private MemorySegment floats(String name, Tensor t) {
        if (t.dtype() != DType.F32) {
            throw new IllegalArgumentException(name + " must be F32: " + name + "=" + t);
        }
        return at.of(t);
    }
}
