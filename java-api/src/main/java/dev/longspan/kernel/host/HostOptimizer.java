package dev.longspan.kernel.host;

import dev.longspan.bindings.host.Longspan;
import dev.longspan.kernel.AdamWStep;
import dev.longspan.kernel.OptimizerKernel;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.atomic.LongAdder;

/** One sweep over weight, gradient and both moments. */
final class HostOptimizer implements OptimizerKernel {

    private static final int BLOCK = 1 << 14;

    /** Bias corrections go into the constants: rate = {@code lr √(1−β₂ᵗ) / (1−β₁ᵗ)}, eps = {@code ε √(1−β₂ᵗ)}. */
    @Override
    public void adamW(Parallel parallel, AdamWStep step, Tensor weight, Tensor gradient, Tensor m, Tensor v) {
        double correction1 = 1 - Math.pow(step.beta1(), (double) step.step());
        double root2 = Math.sqrt(1 - Math.pow(step.beta2(), (double) step.step()));
        float rate = (float) (step.learningRate() * root2 / correction1);
        float eps = (float) (step.eps() * root2);
        float decay = (float) (step.learningRate() * step.weightDecay());
        parallel.forRanges(weight.elements(), BLOCK, (from, to, scratch) -> {
            long n = to - from;
            Status.check(Longspan.ls_adamw((float) step.gradientScale(), (float) step.beta1(), (float) (1 - step.beta1()),
                    (float) step.beta2(), (float) (1 - step.beta2()), rate, eps, decay, Memory.range(weight, from, n),
                    Memory.range(gradient, from, n), Memory.range(m, from, n), Memory.range(v, from, n), n));
        });
    }

    @Override
    public double sumOfSquares(Parallel parallel, Tensor x) {
        return BlockSums.of(parallel, x, Longspan::ls_sum_squares);
    }

    @Override
    public long countNonFinite(Parallel parallel, Tensor x) {
        LongAdder count = new LongAdder(); // whole numbers: any order gives the same sum
        parallel.forRanges(x.elements(), BLOCK, (from, to, scratch) -> {
            MemorySegment found = scratch.segment(0, Long.BYTES);
            Status.check(Longspan.ls_count_non_finite(Memory.range(x, from, to - from), to - from, found));
            count.add(found.get(ValueLayout.JAVA_LONG, 0));
        });
        return count.sum();
    }

    @Override
    public void clamp(Parallel parallel, Tensor x, double limit) {
        parallel.forRanges(x.elements(), BLOCK, (from, to, scratch) ->
                Status.check(Longspan.ls_clamp((float) limit, Memory.range(x, from, to - from), to - from)));
    }
}
