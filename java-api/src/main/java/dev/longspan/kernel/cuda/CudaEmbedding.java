package dev.longspan.kernel.cuda;

import dev.longspan.bindings.cuda.LongspanCuda;
import dev.longspan.kernel.EmbeddingKernel;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/** Rows of a table. An id outside it gives NaN: ops check ids on the host. */
final class CudaEmbedding implements EmbeddingKernel {

    private final CudaSpace space;
    private final DevicePointer at;

    CudaEmbedding(CudaSpace space) {
        this.space = space;
        this.at = new DevicePointer(space);
    }

    @Override
    public void forward(Parallel parallel, Tensor table, Tensor ids, double scale, Tensor y) {
        long n = ids.elements();
        long d = table.size(1);
        DevicePointer.shape("y", y, n, d);
        MemorySegment rows = at.rows(table, table.dtype());
        MemorySegment to = at.rows(y, table.dtype());
        MemorySegment which = at.ids(ids, n);
        int half = DevicePointer.half(table);
        space.stream().launch(parallel, "embedding", s -> LongspanCuda.ls_cuda_embedding(rows, table.stride(0), table.size(0),
                which, DevicePointer.wide(ids), (float) scale, to, y.stride(0), n, d, half, s));
    }

    @Override
    public void backward(Parallel parallel, Tensor ids, double scale, Tensor dy, Tensor dTable) {
        long n = ids.elements();
        long d = dTable.size(1);
        DevicePointer.shape("dy", dy, n, d);
        MemorySegment from = at.rows(dy, DType.F32);
        MemorySegment to = at.rows(dTable, DType.F32);
        MemorySegment which = at.ids(ids, n);
        MemorySegment scratch = space.kernelScratch(LongspanCuda.ls_cuda_embedding_backward_scratch(n, d));
        space.stream().launch(parallel, "embedding backward", s -> LongspanCuda.ls_cuda_embedding_backward(which,
                DevicePointer.wide(ids), (float) scale, from, dy.stride(0), to, dTable.stride(0), dTable.size(0), n, d, scratch, s));
    }
}
