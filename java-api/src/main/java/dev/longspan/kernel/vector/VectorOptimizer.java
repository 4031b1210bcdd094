package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.LANES;
import static dev.longspan.kernel.vector.Lanes.ORDER;
import static dev.longspan.kernel.vector.Lanes.SPECIES;

import dev.longspan.kernel.AdamWStep;
import dev.longspan.kernel.OptimizerKernel;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.LongAdder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/** One sweep over weight, gradient and both moments. */
final class VectorOptimizer implements OptimizerKernel {

    private static final int BLOCK = 1 << 14;

    @Override
    public void adamW(Parallel parallel, AdamWStep step, Tensor weight, Tensor gradient, Tensor m, Tensor v) {
        Factors factors = Factors.of(step);
        parallel.forRanges(weight.elements(), BLOCK, (from, to, scratch) ->
                adamW(factors, weight, gradient, m, v, from, (int) (to - from)));
    }

    @Override
    public double sumOfSquares(Parallel parallel, Tensor x) {
        return BlockSum.ofSquares(parallel, x);
    }

    @Override
    public long countNonFinite(Parallel parallel, Tensor x) {
        LongAdder count = new LongAdder(); // whole numbers: any order gives the same sum
        parallel.forRanges(x.elements(), BLOCK, (from, to, scratch) -> {
            count.add(nonFinite(x, from, (int) (to - from)));
        });
        return count.sum();
    }

    @Override
    public void clamp(Parallel parallel, Tensor x, double limit) {
        parallel.forRanges(x.elements(), BLOCK, (from, to, scratch) -> {
            int n = (int) (to - from);
            MemorySegment xs = Floats.range(x, from, n);
            int i = 0;
            for (; i < Lanes.whole(n); i += LANES) {
                clamp(load(xs, i), (float) limit).intoMemorySegment(xs, i * 4L, ORDER);
            }
            VectorMask<Float> rest = Lanes.first(n - i);
            clamp(load(xs, i, rest), (float) limit).intoMemorySegment(xs, i * 4L, ORDER, rest);
        });
    }

    /**
     * The step with its bias corrections moved into the constants:
     * {@code w −= rate·m / (√v + eps) + decay·w}, rate = {@code lr √(1−β₂ᵗ) / (1−β₁ᵗ)}, eps = {@code ε √(1−β₂ᵗ)}.
     */
    private record Factors(float scale, float beta1, float rest1, float beta2, float rest2, float rate, float eps,
            float decay) {
        static Factors of(AdamWStep step) {
            double correction1 = 1 - Math.pow(step.beta1(), (double) step.step());
            double root2 = Math.sqrt(1 - Math.pow(step.beta2(), (double) step.step()));
            return new Factors((float) step.gradientScale(), (float) step.beta1(), (float) (1 - step.beta1()),
                    (float) step.beta2(), (float) (1 - step.beta2()),
                    (float) (step.learningRate() * root2 / correction1), (float) (step.eps() * root2),
                    (float) (step.learningRate() * step.weightDecay()));
        }
    }

    private static void adamW(Factors k, Tensor weights, Tensor gradients, Tensor means, Tensor squares, long from, int n) {
        MemorySegment weight = Floats.range(weights, from, n);
        MemorySegment gradient = Floats.range(gradients, from, n);
        MemorySegment m = Floats.range(means, from, n);
        MemorySegment v = Floats.range(squares, from, n);
        float scale = k.scale;
        float beta1 = k.beta1;
        float rest1 = k.rest1;
        float beta2 = k.beta2;
        float rest2 = k.rest2;
        float rate = k.rate;
        float eps = k.eps;
        float decay = k.decay;
        int i = 0;
        for (; i < Lanes.whole(n); i += LANES) {
            FloatVector g = load(gradient, i).mul(scale);
            FloatVector mean = normal(load(m, i).mul(beta1).add(g.mul(rest1)));
            FloatVector square = normal(load(v, i).mul(beta2).add(g.mul(rest2).mul(g)));
            FloatVector w = load(weight, i);
            mean.intoMemorySegment(m, i * 4L, ORDER);
            square.intoMemorySegment(v, i * 4L, ORDER);
            w.sub(mean.mul(rate).div(square.sqrt().add(eps)).add(w.mul(decay)))
                    .intoMemorySegment(weight, i * 4L, ORDER);
        }
        if (i < n) {
            adamWLast(k, weights, gradients, means, squares, from + i, n - i);
        }
    }

    /** Fewer elements than a vector has; apart, since C2 does not inline two such loop bodies into one method. */
    private static void adamWLast(Factors k, Tensor weights, Tensor gradients, Tensor means, Tensor squares, long from, int n) {
        MemorySegment weight = Floats.range(weights, from, n);
        MemorySegment m = Floats.range(means, from, n);
        MemorySegment v = Floats.range(squares, from, n);
        VectorMask<Float> rest = Lanes.first(n);
        FloatVector g = load(Floats.range(gradients, from, n), 0, rest).mul(k.scale);
        FloatVector mean = normal(load(m, 0, rest).mul(k.beta1).add(g.mul(k.rest1)));
        FloatVector square = normal(load(v, 0, rest).mul(k.beta2).add(g.mul(k.rest2).mul(g)));
        FloatVector w = load(weight, 0, rest);
        mean.intoMemorySegment(m, 0, ORDER, rest);
        square.intoMemorySegment(v, 0, ORDER, rest);
        w.sub(mean.mul(k.rate).div(square.sqrt().add(k.eps)).add(w.mul(k.decay))).intoMemorySegment(weight, 0, ORDER, rest);
    }

    /** Subnormals become 0: the moments of rows without gradient fade into them, and would stay slow there for ever. */
    private static FloatVector normal(FloatVector x) {
        return x.blend(0f, x.abs().compare(VectorOperators.LT, Float.MIN_NORMAL));
    }

    private static long nonFinite(Tensor tensor, long from, int n) {
        MemorySegment x = Floats.range(tensor, from, n);
        long count = 0;
        int i = 0;
        for (; i < Lanes.whole(n); i += LANES) {
            count += nonFinite(load(x, i));
        }
        return count + nonFinite(load(x, i, Lanes.first(n - i)));
    }

    private static int nonFinite(FloatVector x) {
        FloatVector difference = x.sub(x); // 0, or NaN for infinities and NaN
        return difference.compare(VectorOperators.NE, difference).trueCount();
    }

    private static FloatVector clamp(FloatVector x, float limit) {
        FloatVector below = x.blend(limit, x.compare(VectorOperators.GT, limit));
        return below.blend(-limit, below.compare(VectorOperators.LT, -limit));
    }

    private static FloatVector load(MemorySegment x, int i) {
        return FloatVector.fromMemorySegment(SPECIES, x, i * 4L, ORDER);
    }

    private static FloatVector load(MemorySegment x, int i, VectorMask<Float> mask) {
        return FloatVector.fromMemorySegment(SPECIES, x, i * 4L, ORDER, mask);
    }
}
