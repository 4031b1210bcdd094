package dev.longspan.kernel.cuda;

import dev.longspan.bindings.cuda.LongspanCuda;
import dev.longspan.bindings.cuda.ls_cuda_norm_backward_params;
import dev.longspan.kernel.NormKernel;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** Norms over the last dimension. Forward kernels take bfloat16 too, with moments in float32. */
final class CudaNorm implements NormKernel {

    private final CudaSpace space;
    private final DevicePointer at;

    CudaNorm(CudaSpace space) {
        this.space = space;
        this.at = new DevicePointer(space);
    }

    @Override
    public void layerNorm(Parallel parallel, Tensor x, @Nullable Tensor weight, @Nullable Tensor bias, double weightOffset,
            double eps, Tensor y, Tensor mean, Tensor rstd) {
        forward(parallel, "layer norm", x, weight, bias, weightOffset, eps, y, mean, rstd);
    }

    @Override
    public void rmsNorm(Parallel parallel, Tensor x, @Nullable Tensor weight, double weightOffset, double eps, Tensor y,
            Tensor rstd) {
        forward(parallel, "rms norm", x, weight, null, weightOffset, eps, y, null, rstd);
    }

    private void forward(Parallel parallel, String name, Tensor x, @Nullable Tensor weight, @Nullable Tensor bias,
            double weightOffset, double eps, Tensor y, @Nullable Tensor mean, Tensor rstd) {
        long rows = rstd.elements();
        long d = x.size(-1);
        MemorySegment from = at.like(x, x, rows * d);
        MemorySegment w = at.likeOrNull(weight, x, d);
        MemorySegment b = at.likeOrNull(bias, x, d);
        MemorySegment to = at.like(y, x, rows * d);
        MemorySegment means = at.floatsOrNull(mean, rows);
        MemorySegment rstds = at.floats(rstd, rows);
        int half = DevicePointer.half(x);
        space.stream().launch(parallel, name, s ->
                LongspanCuda.ls_cuda_norm(from, w, b, (float) weightOffset, eps, to, means, rstds, rows, d, half, s));
    }

    @Override
    public void affine(Parallel parallel, Tensor x, @Nullable Tensor weight, @Nullable Tensor bias, double weightOffset,
            double factor, Tensor y) {
        long rows = x.size(0);
        long d = x.size(-1);
        MemorySegment from = at.like(x, x, rows * d);
        MemorySegment w = at.likeOrNull(weight, x, d);
        MemorySegment b = at.likeOrNull(bias, x, d);
        MemorySegment to = at.like(y, x, rows * d);
        int half = DevicePointer.half(x);
        space.stream().launch(parallel, "affine", s ->
                LongspanCuda.ls_cuda_affine(from, w, b, (float) weightOffset, (float) factor, to, rows, d, half, s));
    }

    @Override
    public void layerNormBackward(Parallel parallel, Tensor x, @Nullable Tensor weight, double weightOffset, Tensor mean,
            Tensor rstd, Tensor dy, @Nullable Tensor dx, @Nullable Tensor dWeight, @Nullable Tensor dBias) {
        backward(parallel, "layer norm backward", x, weight, weightOffset, mean, rstd, 0, dy, dx, dWeight, dBias);
    }

    @Override
    public void rmsNormBackward(Parallel parallel, Tensor x, @Nullable Tensor weight, double weightOffset, Tensor rstd,
            Tensor dy, @Nullable Tensor dx, @Nullable Tensor dWeight) {
        backward(parallel, "rms norm backward", x, weight, weightOffset, null, rstd, 0, dy, dx, dWeight, null);
    }

    @Override
    public void affineBackward(Parallel parallel, Tensor x, @Nullable Tensor weight, double weightOffset, double factor,
            Tensor dy, @Nullable Tensor dx, @Nullable Tensor dWeight, @Nullable Tensor dBias) {
        backward(parallel, "affine backward", x, weight, weightOffset, null, null, factor, dy, dx, dWeight, dBias);
    }

    @Override
    public void softmax(Parallel parallel, Tensor x, Tensor y) {
        long rows = x.size(0);
        long d = x.size(-1);
        MemorySegment from = at.like(x, x, rows * d);
        MemorySegment to = at.like(y, x, rows * d);
        int half = DevicePointer.half(x);
        space.stream().launch(parallel, "softmax", s -> LongspanCuda.ls_cuda_softmax(from, to, rows, d, half, s));
    }

    @Override
    public void softmaxBackward(Parallel parallel, Tensor y, Tensor dy, Tensor dx) {
        long rows = y.size(0);
        long d = y.size(-1);
        MemorySegment of = at.floats(y, rows * d);
        MemorySegment from = at.floats(dy, rows * d);
        MemorySegment to = at.floats(dx, rows * d);
        space.stream().launch(parallel, "softmax backward", s ->
                LongspanCuda.ls_cuda_softmax_backward(of, from, to, rows, d, s));
    }

    private void backward(Parallel parallel, String name, Tensor x, @Nullable Tensor weight, double weightOffset,
            @Nullable Tensor mean, @Nullable Tensor rstd, double factor, Tensor dy, @Nullable Tensor dx,
            @Nullable Tensor dWeight, @Nullable Tensor dBias) {
        long rows = x.size(0);
        long d = x.size(-1);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment p = ls_cuda_norm_backward_params.allocate(arena);
            ls_cuda_norm_backward_params.size(p, ls_cuda_norm_backward_params.sizeof());
            ls_cuda_norm_backward_params.rows(p, rows);
            ls_cuda_norm_backward_params.d(p, d);
            ls_cuda_norm_backward_params.x(p, at.floats(x, rows * d));
            ls_cuda_norm_backward_params.weight(p, at.floatsOrNull(weight, d));
            ls_cuda_norm_backward_params.mean(p, at.floatsOrNull(mean, rows));
            ls_cuda_norm_backward_params.rstd(p, at.floatsOrNull(rstd, rows));
            ls_cuda_norm_backward_params.dy(p, at.floats(dy, rows * d));
            ls_cuda_norm_backward_params.dx(p, at.floatsOrNull(dx, rows * d));
            ls_cuda_norm_backward_params.d_weight(p, at.floatsOrNull(dWeight, d));
            ls_cuda_norm_backward_params.d_bias(p, at.floatsOrNull(dBias, d));
            ls_cuda_norm_backward_params.scratch(p, space.kernelScratch(LongspanCuda.ls_cuda_norm_backward_scratch(rows, d)));
            ls_cuda_norm_backward_params.weight_offset(p, (float) weightOffset);
            ls_cuda_norm_backward_params.factor(p, (float) factor);
            space.stream().launch(parallel, name, s -> LongspanCuda.ls_cuda_norm_backward(p, s));
        }
    }
}
