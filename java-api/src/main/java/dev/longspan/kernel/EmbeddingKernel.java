package dev.longspan.kernel;

import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;

/** Rows of a table. table: [vocabulary, d], ids: [n] of I32 or I64 and within the table, y: [n, d]. */
public interface EmbeddingKernel {

    /** {@code y[i] = scale · table[ids[i]]}. */
    void forward(Parallel parallel, Tensor table, Tensor ids, double scale, Tensor y);

    /** {@code dTable[ids[i]] += scale · dy[i]}, in the order of i. */
    void backward(Parallel parallel, Tensor ids, double scale, Tensor dy, Tensor dTable);
}
