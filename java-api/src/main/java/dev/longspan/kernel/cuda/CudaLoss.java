package dev.longspan.kernel.cuda;

import dev.longspan.bindings.cuda.LongspanCuda;
import dev.longspan.kernel.LossKernel;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/** Softmax cross-entropy. A target beyond the classes gives NaN: ops check targets on the host. */
final class CudaLoss implements LossKernel {

    private final CudaSpace space;
    private final DevicePointer at;

    CudaLoss(CudaSpace space) {
        this.space = space;
        this.at = new DevicePointer(space);
    }

    @Override
    public void crossEntropy(Parallel parallel, Tensor logits, Tensor targets, Tensor losses, Tensor lse) {
        long rows = logits.size(0);
        long classes = logits.size(1);
        MemorySegment from = at.rows(logits, DType.F32);
        MemorySegment which = at.ids(targets, rows);
        MemorySegment to = at.floats(losses, rows);
        MemorySegment sums = at.floats(lse, rows);
        space.stream().launch(parallel, "cross entropy", s -> LongspanCuda.ls_cuda_cross_entropy(from, logits.stride(0), which,
                DevicePointer.wide(targets), to, sums, rows, classes, s));
    }

    @Override
    public void crossEntropyBackward(Parallel parallel, Tensor logits, Tensor targets, Tensor lse, Tensor dLosses,
            Tensor dLogits) {
        long rows = logits.size(0);
        long classes = logits.size(1);
        DevicePointer.shape("dLogits", dLogits, rows, classes);
        MemorySegment from = at.rows(logits, DType.F32);
        MemorySegment which = at.ids(targets, rows);
        MemorySegment sums = at.floats(lse, rows);
        MemorySegment dFrom = at.floats(dLosses, rows);
        MemorySegment to = at.rows(dLogits, DType.F32);
        space.stream().launch(parallel, "cross entropy backward", s -> LongspanCuda.ls_cuda_cross_entropy_backward(from,
                logits.stride(0), which, DevicePointer.wide(targets), sums, dFrom, to, dLogits.stride(0), rows, classes, s));
    }
}
