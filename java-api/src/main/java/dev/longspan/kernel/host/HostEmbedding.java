package dev.longspan.kernel.host;

import dev.longspan.bindings.host.Longspan;
import dev.longspan.kernel.EmbeddingKernel;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;

/** Rows forward; stripes of columns backward, since an id may occur more than once. C refuses ids outside the table. */
final class HostEmbedding implements EmbeddingKernel {

    private static final int TILE_ROWS = 64;
    private static final int TILE_COLS = 128;

    @Override
    public void forward(Parallel parallel, Tensor table, Tensor ids, double scale, Tensor y) {
        long d = table.size(1);
        long vocabulary = table.size(0);
        parallel.forRanges(ids.size(0), TILE_ROWS, (from, to, scratch) -> Status.check(Longspan.ls_embedding(
                Memory.rows(table, 0, vocabulary, d), table.stride(0), vocabulary, Memory.ids(ids, from, to - from),
                Memory.wide(ids), (float) scale, Memory.rows(y, from, to - from, d), y.stride(0), to - from, d)));
    }

    @Override
    public void backward(Parallel parallel, Tensor ids, double scale, Tensor dy, Tensor dTable) {
        long n = ids.size(0);
        long vocabulary = dTable.size(0);
        parallel.forRanges(dTable.size(1), TILE_COLS, (from, to, scratch) -> Status.check(Longspan.ls_embedding_backward(
                Memory.ids(ids, 0, n), Memory.wide(ids), (float) scale, Memory.rows(dy.slice(1, from, to), 0, n, to - from),
                dy.stride(0), Memory.rows(dTable.slice(1, from, to), 0, vocabulary, to - from), dTable.stride(0), vocabulary,
                n, to - from)));
    }
}
