package dev.longspan.op;

import dev.longspan.autograd.Pass;
import dev.longspan.tensor.Tensor;

/** Rows of a table. */
public final class Embedding {

    private Embedding() {
    }

    /** {@code y = scale · table[ids]}; table: [vocabulary, d], ids: integers of any shape, y: [..., d]. */
    public static Tensor apply(Pass pass, Tensor table, Tensor ids, double scale) {
        Shapes.checkComputes(pass, "table", table);
        if (table.rank() != 2) {
            throw new IllegalArgumentException("table must be [vocabulary, d]: table=" + table);
        }
        Ids.check("ids", ids, 0, table.size(0));
        long[] shape = java.util.Arrays.copyOf(ids.shape(), ids.rank() + 1);
        shape[ids.rank()] = table.size(1);
        Tensor y = pass.allocate(table.dtype(), shape);
        Tensor flat = pass.here(ids).reshape(ids.elements());
        pass.kernels().embedding().forward(pass.parallel(), table, flat, scale, y.rows());
        if (pass.tracks(table)) {
            pass.record(y, () -> pass.kernels().embedding().backward(pass.parallel(), flat, scale,
                    pass.gradient(y).rows(), pass.gradient(table)));
        }
        return y;
    }
}
