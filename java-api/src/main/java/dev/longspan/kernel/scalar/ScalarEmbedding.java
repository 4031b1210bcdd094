package dev.longspan.kernel.scalar;

import dev.longspan.kernel.EmbeddingKernel;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Elements;
import dev.longspan.tensor.Tensor;

/** Rows forward; columns backward, since an id may occur more than once. */
final class ScalarEmbedding implements EmbeddingKernel {

    private static final int TILE_ROWS = 64;
    private static final int TILE_COLS = 64;

    @Override
    public void forward(Parallel parallel, Tensor table, Tensor ids, double scale, Tensor y) {
        Reals from = new Reals(table);
        Reals to = new Reals(y);
        parallel.forRanges(ids.size(0), TILE_ROWS, (first, end, scratch) -> {
            for (long i = first; i < end; i++) {
                long row = table.offset() + id(ids, i) * table.stride(0);
                for (long j = 0; j < table.size(1); j++) {
                    to.set(y.offset() + i * y.stride(0) + j, scale * from.get(row + j));
                }
            }
        });
    }

    @Override
    public void backward(Parallel parallel, Tensor ids, double scale, Tensor dy, Tensor dTable) {
        Reals from = new Reals(dy);
        Reals to = new Reals(dTable);
        parallel.forRanges(dTable.size(1), TILE_COLS, (first, end, scratch) -> {
            for (long i = 0; i < ids.size(0); i++) {
                long row = dTable.offset() + id(ids, i) * dTable.stride(0);
                for (long j = first; j < end; j++) {
                    to.add(row + j, scale * from.get(dy.offset() + i * dy.stride(0) + j));
                }
            }
        });
    }

    private static long id(Tensor ids, long i) {
        return Elements.getLong(ids.segment(), ids.dtype(), ids.offset() + i * ids.stride(0));
    }
}
