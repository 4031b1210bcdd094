package dev.longspan.kernel.vector;

import dev.longspan.kernel.vector.TaskList.Entry;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What the backward knows of each query: its log-sum-exp and {@code δ}, which is {@code dOut · out − dLse} unless
 * given: floats in the order [B, H, Nq] of the log-sum-exps, where branches have their own.
 */
final class QueryState {

    private final HeadRows[] out;
    private final HeadRows[] dOut;
    private final Tensor lse;
    private final @Nullable Tensor dLse;
    private final @Nullable MemorySegment given;

    QueryState(Tensor out, Tensor lse, Tensor dOut, @Nullable Tensor dLse, @Nullable MemorySegment given) {
        this.out = HeadRows.all(out);
        this.lse = lse;
        this.dOut = HeadRows.all(dOut);
        this.dLse = dLse;
        this.given = given;
    }

    /** Gradients of the outputs of head h of batch row b, number {@code b · heads + h}. */
    HeadRows dOuts(int head) {
        return dOut[head];
    }

    /** Number of a query in the δ that are given. */
    long number(Entry entry, long batch, long row) {
        return (batch * lse.size(1) + entry.head()) * lse.size(2) + row;
    }

    /** Log-sum-exps in powers of two and δ of a block of queries; rows without keys get weights of zero. */
    void load(Entry entry, long batch, int block, float[] lseTo, float[] deltaTo) {
        Arrays.fill(lseTo, 0, Tiles.BLOCK, -ScoreTile.HIDDEN);
        Arrays.fill(deltaTo, 0, Tiles.BLOCK, 0f);
        int head = Math.toIntExact(batch * lse.size(1)) + entry.head();
        HeadRows outs = out[head];
        HeadRows dOuts = dOut[head];
        for (int i = 0; i < entry.queries().size(block); i++) {
            long row = entry.task().queries().at(entry.queries().start(block) + i);
            float sum = at(lse, batch, entry.head(), row);
            if (sum != Float.NEGATIVE_INFINITY) {
                lseTo[i] = (float) (sum / Exp2.LN_2);
                deltaTo[i] = given != null ? given.getAtIndex(ValueLayout.JAVA_FLOAT, number(entry, batch, row))
                        : dot(outs, dOuts, row) - (dLse == null ? 0 : at(dLse, batch, entry.head(), row));
            }
        }
    }

    private static float at(Tensor t, long batch, int head, long row) {
        return t.segment().get(ValueLayout.JAVA_FLOAT,
                (t.offset() + batch * t.stride(0) + head * t.stride(1) + row * t.stride(2)) * 4);
    }

    /** In double: δ is what weighted sums of dP cancel with. */
    private static float dot(HeadRows a, HeadRows b, long row) {
        double sum = 0;
        for (int d = 0; d < a.dim(); d++) {
            sum += (double) Packing.get(a.memory(), a.half(), a.at(row) + d) * Packing.get(b.memory(), b.half(), b.at(row) + d);
        }
        return (float) sum;
    }
}
