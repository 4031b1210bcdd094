package dev.longspan.kernel.cuda;

import dev.longspan.bindings.cuda.LongspanCuda;
import dev.longspan.kernel.Activation;
import dev.longspan.kernel.Dropout;
import dev.longspan.kernel.ElementwiseKernel;
import dev.longspan.kernel.GaussianNoise;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** Pointwise work. Forward kernels take bfloat16 too. */
final class CudaElementwise implements ElementwiseKernel {

    private final CudaSpace space;
    private final DevicePointer at;

    CudaElementwise(CudaSpace space) {
        this.space = space;
        this.at = new DevicePointer(space);
    }

    @Override
    public void fill(Parallel parallel, Tensor y, double value) {
        long n = y.elements();
        MemorySegment to = at.like(y, y, n);
        int half = DevicePointer.half(y);
        space.stream().launch(parallel, "fill", s -> LongspanCuda.ls_cuda_fill((float) value, to, n, half, s));
    }

    @Override
    public void axpby(Parallel parallel, double alpha, Tensor x, double beta, Tensor y) {
        long n = y.elements();
        MemorySegment from = at.like(x, y, n);
        MemorySegment to = at.like(y, y, n);
        int half = DevicePointer.half(y);
        space.stream().launch(parallel, "axpby", s ->
                LongspanCuda.ls_cuda_axpby((float) alpha, from, (float) beta, to, n, half, s));
    }

    @Override
    public void add(Parallel parallel, Tensor a, Tensor b, Tensor y) {
        long n = y.elements();
        MemorySegment left = at.like(a, y, n);
        MemorySegment right = at.like(b, y, n);
        MemorySegment to = at.like(y, y, n);
        int half = DevicePointer.half(y);
        space.stream().launch(parallel, "add", s -> LongspanCuda.ls_cuda_add(left, right, to, n, half, s));
    }

    @Override
    public void multiply(Parallel parallel, Tensor a, Tensor b, Tensor y, boolean accumulate) {
        long n = y.elements();
        MemorySegment left = at.like(a, y, n);
        MemorySegment right = at.like(b, y, n);
        MemorySegment to = at.like(y, y, n);
        int half = DevicePointer.half(y);
        space.stream().launch(parallel, "multiply", s ->
                LongspanCuda.ls_cuda_multiply(left, right, to, n, accumulate ? 1 : 0, half, s));
    }

    @Override
    public void sum(Parallel parallel, double alpha, Tensor x, Tensor y) {
        long n = x.elements();
        MemorySegment from = at.floats(x, n);
        MemorySegment to = at.floats(y, 1);
        MemorySegment scratch = space.kernelScratch(LongspanCuda.ls_cuda_sum_scratch(n));
        space.stream().launch(parallel, "sum", s -> LongspanCuda.ls_cuda_sum(alpha, from, n, to, scratch, s));
    }

    @Override
    public void addScalar(Parallel parallel, double alpha, Tensor scalar, Tensor y) {
        long n = y.elements();
        MemorySegment value = at.floats(scalar, 1);
        MemorySegment to = at.floats(y, n);
        space.stream().launch(parallel, "add scalar", s -> LongspanCuda.ls_cuda_add_scalar(alpha, value, to, n, s));
    }

    @Override
    public void activation(Parallel parallel, Activation f, Tensor x, Tensor y) {
        long n = y.elements();
        MemorySegment from = at.like(x, y, n);
        MemorySegment to = at.like(y, y, n);
        int half = DevicePointer.half(y);
        space.stream().launch(parallel, "activation", s -> LongspanCuda.ls_cuda_activation(number(f), from, to, n, half, s));
    }

    @Override
    public void activationBackward(Parallel parallel, Activation f, Tensor x, Tensor dy, Tensor dx) {
        long n = dx.elements();
        MemorySegment from = at.floats(x, n);
        MemorySegment dFrom = at.floats(dy, n);
        MemorySegment to = at.floats(dx, n);
        space.stream().launch(parallel, "activation backward", s ->
                LongspanCuda.ls_cuda_activation_backward(number(f), from, dFrom, to, n, s));
    }

    @Override
    public void gated(Parallel parallel, Activation f, Tensor gate, Tensor up, Tensor y) {
        long n = y.elements();
        MemorySegment left = at.like(gate, y, n);
        MemorySegment right = at.like(up, y, n);
        MemorySegment to = at.like(y, y, n);
        int half = DevicePointer.half(y);
        space.stream().launch(parallel, "gated", s -> LongspanCuda.ls_cuda_gated(number(f), left, right, to, n, half, s));
    }

    @Override
    public void gatedBackward(Parallel parallel, Activation f, Tensor gate, Tensor up, Tensor dy, @Nullable Tensor dGate,
            @Nullable Tensor dUp) {
        long n = dy.elements();
        MemorySegment left = at.floats(gate, n);
        MemorySegment right = at.floats(up, n);
        MemorySegment from = at.floats(dy, n);
        MemorySegment toGate = at.floatsOrNull(dGate, n);
        MemorySegment toUp = at.floatsOrNull(dUp, n);
        space.stream().launch(parallel, "gated backward", s ->
                LongspanCuda.ls_cuda_gated_backward(number(f), left, right, from, toGate, toUp, n, s));
    }

    @Override
    public void dropout(Parallel parallel, Dropout dropout, Tensor x, Tensor y, boolean accumulate) {
        long n = y.elements();
        MemorySegment from = at.like(x, y, n);
        MemorySegment to = at.like(y, y, n);
        int half = DevicePointer.half(y);
        space.stream().launch(parallel, "dropout", s -> LongspanCuda.ls_cuda_dropout(dropout.rate(), dropout.seed(),
                dropout.stream(), from, to, n, accumulate ? 1 : 0, half, s));
    }

    @Override
    public void noise(Parallel parallel, GaussianNoise noise, Tensor x, Tensor y) {
        long n = y.elements();
        MemorySegment from = at.like(x, y, n);
        MemorySegment to = at.like(y, y, n);
        int half = DevicePointer.half(y);
        space.stream().launch(parallel, "noise", s ->
                LongspanCuda.ls_cuda_noise(noise.std(), noise.seed(), noise.stream(), from, to, n, half, s));
    }

    private static int number(Activation f) {
        return switch (f) {
            case RELU -> LongspanCuda.LS_RELU();
            case GELU -> LongspanCuda.LS_GELU();
            case GELU_TANH -> LongspanCuda.LS_GELU_TANH();
            case SILU -> LongspanCuda.LS_SILU();
            case TANH -> LongspanCuda.LS_TANH();
        };
    }
}
