package dev.longspan.kernel.scalar;

import dev.longspan.kernel.AdamWStep;
import dev.longspan.kernel.OptimizerKernel;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;

/** Element by element. */
final class ScalarOptimizer implements OptimizerKernel {

    private static final int BLOCK = 1 << 16;

    @Override
    public void adamW(Parallel parallel, AdamWStep step, Tensor weight, Tensor gradient, Tensor m, Tensor v) {
        Reals ws = new Reals(weight);
        Reals gs = new Reals(gradient);
        Reals ms = new Reals(m);
        Reals vs = new Reals(v);
        double correction1 = 1 - Math.pow(step.beta1(), (double) step.step());
        double correction2 = 1 - Math.pow(step.beta2(), (double) step.step());
        parallel.forRanges(weight.elements(), BLOCK, (from, end, scratch) -> {
            for (long i = from; i < end; i++) {
                double w = ws.get(weight.offset() + i);
                double g = gs.get(gradient.offset() + i) * step.gradientScale();
                double mean = step.beta1() * ms.get(m.offset() + i) + (1 - step.beta1()) * g;
                double square = step.beta2() * vs.get(v.offset() + i) + (1 - step.beta2()) * g * g;
                ms.set(m.offset() + i, mean);
                vs.set(v.offset() + i, square);
                double direction = mean / correction1 / (Math.sqrt(square / correction2) + step.eps());
                ws.set(weight.offset() + i, w - step.learningRate() * (direction + step.weightDecay() * w));
            }
        });
    }

    @Override
    public double sumOfSquares(Parallel parallel, Tensor x) {
        return OrderedSum.of(parallel, x, value -> value * value);
    }

    @Override
    public long countNonFinite(Parallel parallel, Tensor x) {
        return (long) OrderedSum.of(parallel, x, value -> Double.isFinite(value) ? 0 : 1);
    }

    @Override
    public void clamp(Parallel parallel, Tensor x, double limit) {
        Reals xs = new Reals(x);
        parallel.forRanges(x.elements(), BLOCK, (from, end, scratch) -> {
            for (long at = x.offset() + from; at < x.offset() + end; at++) {
                xs.set(at, Math.min(Math.max(xs.get(at), -limit), limit));
            }
        });
    }
}
