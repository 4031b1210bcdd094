package dev.longspan.kernel.host;

import dev.longspan.bindings.host.ls_attention_params;
import dev.longspan.kernel.host.HeadTasks.HeadTask;
import dev.longspan.parallel.Scratch;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * The parameters of the backward's downcalls.
 *
 * @param delta of each query as {@code lse} has them, where branches have their own; otherwise NULL
 * @param dense whether one task has all the keys that its queries see
 */
record GradientCall(AttentionCall forward, Tensor dOut, @Nullable Tensor dLse, MemorySegment delta, Tensor dq, Tensor dk,
        Tensor dv, boolean dense) {

    GradientCall {
        check("dOut", dOut, forward.out(), forward.out().dtype());
        check("dq", dq, forward.q(), DType.F32);
        check("dk", dk, forward.k(), DType.F32);
        check("dv", dv, forward.v(), DType.F32);
        if (dLse != null) {
            check("dLse", dLse, forward.lse(), DType.F32);
        }
    }

    private static void check(String name, Tensor gradient, Tensor of, DType dtype) {
        if (gradient.dtype() != dtype) {
            throw new IllegalArgumentException(name + " must be " + dtype + ": dtype=" + gradient.dtype());
        }
        if (!gradient.hasShapeOf(of)) {
            throw new IllegalArgumentException(name + " must have the shape of what it is the gradient of: " + name + "="
                    + gradient + ", of=" + of);
        }
    }

    MemorySegment params(HeadTask task, long batch, long queriesFrom, long queriesTo, long keysFrom, long keysTo, boolean keysToo,
            boolean queriesToo, Scratch scratch) {
        MemorySegment p = forward.params(task, batch, queriesFrom, queriesTo, keysFrom, keysTo, scratch);
        int head = task.head();
        ls_attention_params.d_out(p, AttentionCall.head(dOut, batch, head));
        ls_attention_params.d_out_row(p, dOut.stride(1));
        ls_attention_params.d_lse(p, AttentionCall.ofRowsOrNull(dLse, batch, head));
        ls_attention_params.d_lse_row(p, dLse == null ? 0 : dLse.stride(2));
        if (delta.address() != 0) {
            long rows = dOut.size(1);
            ls_attention_params.delta(p, delta.asSlice((batch * dOut.size(2) + head) * rows * 4, rows * 4));
        }
        ls_attention_params.dq(p, AttentionCall.head(dq, batch, head));
        ls_attention_params.dk(p, AttentionCall.head(dk, batch, head));
        ls_attention_params.dv(p, AttentionCall.head(dv, batch, head));
        ls_attention_params.dq_row(p, dq.stride(1));
        ls_attention_params.dk_row(p, dk.stride(1));
        ls_attention_params.dv_row(p, dv.stride(1));
        ls_attention_params.keys_too(p, keysToo ? 1 : 0);
        ls_attention_params.queries_too(p, queriesToo ? 1 : 0);
        ls_attention_params.dense(p, dense ? 1 : 0);
        return p;
    }
}
