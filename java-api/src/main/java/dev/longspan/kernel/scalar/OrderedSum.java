package dev.longspan.kernel.scalar;

import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import java.util.function.DoubleUnaryOperator;

/** Sums over contiguous tensors in double: within blocks of a fixed size, then over the blocks in order. */
final class OrderedSum {

    private static final int BLOCK = 1 << 16;

    private OrderedSum() {
    }

    /** {@code Σ f(x)}. */
    static double of(Parallel parallel, Tensor x, DoubleUnaryOperator f) {
        Reals xs = new Reals(x);
        double[] blocks = new double[Math.toIntExact(Math.ceilDiv(x.elements(), BLOCK))];
        parallel.forRanges(x.elements(), BLOCK, (from, end, scratch) -> {
            double sum = 0;
            for (long at = x.offset() + from; at < x.offset() + end; at++) {
                sum += f.applyAsDouble(xs.get(at));
            }
            blocks[(int) (from / BLOCK)] = sum;
        });
        double total = 0;
        for (double block : blocks) {
            total += block;
        }
        return total;
    }
}
