package dev.longspan.kernel.cuda;

import dev.longspan.bindings.cuda.LongspanCuda;
import dev.longspan.bindings.cuda.ls_cuda_rotary_params;
import dev.longspan.kernel.Rotary;
import dev.longspan.kernel.RotaryKernel;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** Rotary positions, of bfloat16 too. */
final class CudaRotary implements RotaryKernel {

    private final CudaSpace space;
    private final DevicePointer at;

    CudaRotary(CudaSpace space) {
        this.space = space;
        this.at = new DevicePointer(space);
    }

    @Override
    public void forward(Parallel parallel, Rotary rotary, long first, Tensor x, Tensor y) {
        run(parallel, "rotary", rotary, first, x, y, false);
    }

    @Override
    public void backward(Parallel parallel, Rotary rotary, long first, Tensor dy, Tensor dx) {
        run(parallel, "rotary backward", rotary, first, dy, dx, true);
    }

    private void run(Parallel parallel, String name, Rotary rotary, long first, Tensor x, Tensor y, boolean backward) {
        if (x.rank() != 4 || !Arrays.equals(x.shape(), y.shape()) || x.dtype() != y.dtype() || x.size(3) != rotary.headDim()
                || x.stride(3) != 1 || y.stride(3) != 1) {
            throw new IllegalArgumentException("x and y must be [batch, rows, heads, " + rotary.headDim() + "]: x=" + x + ", y="
                    + y);
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment p = ls_cuda_rotary_params.allocate(arena);
            ls_cuda_rotary_params.size(p, ls_cuda_rotary_params.sizeof());
            ls_cuda_rotary_params.batch(p, x.size(0));
            ls_cuda_rotary_params.rows(p, x.size(1));
            ls_cuda_rotary_params.heads(p, x.size(2));
            ls_cuda_rotary_params.head_dim(p, x.size(3));
            ls_cuda_rotary_params.x(p, at.of(x));
            ls_cuda_rotary_params.x_batch(p, x.stride(0));
            ls_cuda_rotary_params.x_row(p, x.stride(1));
            ls_cuda_rotary_params.x_head(p, x.stride(2));
            ls_cuda_rotary_params.y(p, at.of(y));
            ls_cuda_rotary_params.y_batch(p, y.stride(0));
            ls_cuda_rotary_params.y_row(p, y.stride(1));
            ls_cuda_rotary_params.y_head(p, y.stride(2));
            ls_cuda_rotary_params.first(p, first);
            ls_cuda_rotary_params.base(p, rotary.base());
            ls_cuda_rotary_params.period(p, rotary.period());
            ls_cuda_rotary_params.scale_base(p, rotary.scaleBase());
            ls_cuda_rotary_params.epoch(p, rotary.epoch());
            ls_cuda_rotary_params.origin(p, rotary.origin());
            ls_cuda_rotary_params.sign(p, rotary.sign());
            ls_cuda_rotary_params.halves(p, rotary.pairs() == Rotary.Pairs.HALVES ? 1 : 0);
            ls_cuda_rotary_params.backward(p, backward ? 1 : 0);
            ls_cuda_rotary_params.half(p, DevicePointer.half(x));
            space.stream().launch(parallel, name, s -> LongspanCuda.ls_cuda_rotary(p, s));
        }
    }
}
