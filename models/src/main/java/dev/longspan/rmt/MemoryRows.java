package dev.longspan.rmt;

import dev.longspan.autograd.Pass;
import dev.longspan.op.Concat;
import dev.longspan.op.Embedding;
import dev.longspan.op.Views;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The memory that documents enter a segment with: what they carry, or the learned vectors where they begin. */
final class MemoryRows {

    private MemoryRows() {
    }

    /** The learned vectors [m, d] for each of {@code rows} documents: [rows, m, d]. */
    static Tensor fresh(Pass pass, Tensor memory, int rows) {
        long[] ids = new long[Math.toIntExact(rows * memory.size(0))];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = i % memory.size(0);
        }
        return Embedding.apply(pass, memory, pass.allocateOnHost(DType.I64, rows, memory.size(0)).set(ids), 1);
    }

    /**
     * Memory of the documents {@code now}, of which {@code before} carry what the segment before passed on.
     *
     * @param carried [before, m, d]; absent where there was no segment before
     */
    static Tensor entering(Pass pass, Tensor memory, List<Integer> before, @Nullable Tensor carried, List<Integer> now) {
        if (carried == null) {
            return fresh(pass, memory, now.size());
        }
        if (before.equals(now)) {
            return carried;
        }
        long m = memory.size(0);
        long d = memory.size(1);
        Tensor all = Concat.apply(pass, 0, List.of(carried, Views.reshape(pass, memory, 1, m, d)));
        long[] ids = new long[Math.toIntExact(now.size() * m)];
        for (int i = 0; i < ids.length; i++) {
            int row = before.indexOf(now.get((int) (i / m)));
            ids[i] = (row < 0 ? before.size() : row) * m + i % m;
        }
        return Embedding.apply(pass, Views.reshape(pass, all, -1, d),
                pass.allocateOnHost(DType.I64, now.size(), m).set(ids), 1);
    }
}
