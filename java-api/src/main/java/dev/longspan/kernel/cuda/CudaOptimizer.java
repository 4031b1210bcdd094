package dev.longspan.kernel.cuda;

import dev.longspan.bindings.cuda.LongspanCuda;
import dev.longspan.kernel.AdamWStep;
import dev.longspan.kernel.OptimizerKernel;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Updates and measures of whole tensors; a measure waits for the device. */
final class CudaOptimizer implements OptimizerKernel {

    private final CudaSpace space;
    private final DevicePointer at;

    CudaOptimizer(CudaSpace space) {
        this.space = space;
        this.at = new DevicePointer(space);
    }

    /** Bias corrections go into the constants: rate = {@code lr √(1−β₂ᵗ) / (1−β₁ᵗ)}, eps = {@code ε √(1−β₂ᵗ)}. */
    @Override
    public void adamW(Parallel parallel, AdamWStep step, Tensor weight, Tensor gradient, Tensor m, Tensor v) {
        double correction1 = 1 - Math.pow(step.beta1(), (double) step.step());
        double root2 = Math.sqrt(1 - Math.pow(step.beta2(), (double) step.step()));
        float rate = (float) (step.learningRate() * root2 / correction1);
        float eps = (float) (step.eps() * root2);
        float decay = (float) (step.learningRate() * step.weightDecay());
        long n = weight.elements();
        MemorySegment w = at.floats(weight, n);
        MemorySegment g = at.floats(gradient, n);
        MemorySegment mean = at.floats(m, n);
        MemorySegment square = at.floats(v, n);
        space.stream().launch(parallel, "adamw", s -> LongspanCuda.ls_cuda_adamw((float) step.gradientScale(),
                (float) step.beta1(), (float) (1 - step.beta1()), (float) step.beta2(), (float) (1 - step.beta2()), rate, eps,
                decay, w, g, mean, square, n, s));
    }

    /** A kernel that writes one number of 8 bytes. */
    private interface Measure {
        int run(MemorySegment x, long n, MemorySegment to, MemorySegment scratch, MemorySegment stream);
    }

    @Override
    public double sumOfSquares(Parallel parallel, Tensor x) {
        return measured(parallel, "sum of squares", x, LongspanCuda::ls_cuda_sum_squares).get(ValueLayout.JAVA_DOUBLE_UNALIGNED, 0);
    }

    @Override
    public long countNonFinite(Parallel parallel, Tensor x) {
        return measured(parallel, "count of non-finite", x, LongspanCuda::ls_cuda_count_non_finite)
                .get(ValueLayout.JAVA_LONG_UNALIGNED, 0);
    }

    private MemorySegment measured(Parallel parallel, String name, Tensor x, Measure measure) {
        long n = x.elements();
        MemorySegment from = at.floats(x, n);
        MemorySegment scratch = space.kernelScratch(LongspanCuda.ls_cuda_sum_scratch(n));
        long number = space.scratch(DeviceScratch.Slot.NUMBERS, Long.BYTES);
        space.stream().launch(parallel, name, s -> measure.run(from, n, MemorySegment.ofAddress(number), scratch, s));
        MemorySegment read = MemorySegment.ofArray(new byte[Long.BYTES]);
        space.download(number, read);
        return read;
    }

    @Override
    public void clamp(Parallel parallel, Tensor x, double limit) {
        long n = x.elements();
        MemorySegment to = at.floats(x, n);
        space.stream().launch(parallel, "clamp", s -> LongspanCuda.ls_cuda_clamp((float) limit, to, n, s));
    }
}
