package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.DOUBLES;
import static dev.longspan.kernel.vector.Lanes.LANES;
import static dev.longspan.kernel.vector.Lanes.ORDER;
import static dev.longspan.kernel.vector.Lanes.SPECIES;

import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;

/** Sums over contiguous tensors in double: within blocks of a fixed size, then over the blocks in order. */
final class BlockSum {

    private static final int BLOCK = 1 << 16;

    private interface Block {
        double of(Tensor x, long from, int n, double[] lanes);
    }

    private BlockSum() {
    }

    /** {@code Σ x}. */
    static double of(Parallel parallel, Tensor x) {
        return inOrder(parallel, x, BlockSum::sum);
    }

    /** {@code Σ x²}. */
    static double ofSquares(Parallel parallel, Tensor x) {
        return inOrder(parallel, x, BlockSum::squares);
    }

    private static double inOrder(Parallel parallel, Tensor x, Block block) {
        double[] sums = new double[Math.toIntExact(Math.ceilDiv(x.elements(), BLOCK))];
        parallel.forRanges(x.elements(), BLOCK, (from, to, scratch) -> {
            int n = (int) (to - from);
            sums[(int) (from / BLOCK)] = block.of(x, from, n, scratch.doubles(0, 2 * LANES));
        });
        double total = 0;
        for (double sum : sums) {
            total += sum;
        }
        return total;
    }

    private static double sum(Tensor tensor, long from, int n, double[] lanes) {
        MemorySegment x = Floats.range(tensor, from, n);
        DoubleVector a = DoubleVector.zero(DOUBLES);
        DoubleVector b = DoubleVector.zero(DOUBLES);
        DoubleVector c = DoubleVector.zero(DOUBLES);
        DoubleVector d = DoubleVector.zero(DOUBLES);
        int i = 0;
        for (; i <= n - 2 * LANES; i += 2 * LANES) {
            FloatVector v = FloatVector.fromMemorySegment(SPECIES, x, i * 4L, ORDER);
            FloatVector w = FloatVector.fromMemorySegment(SPECIES, x, (i + LANES) * 4L, ORDER);
            a = a.add(Lanes.half(v, 0));
            b = b.add(Lanes.half(v, 1));
            c = c.add(Lanes.half(w, 0));
            d = d.add(Lanes.half(w, 1));
        }
        double total = total(a, b, c, d, lanes);
        for (; i < n; i++) {
            total += Floats.get(x, i);
        }
        return total;
    }

    private static double squares(Tensor tensor, long from, int n, double[] lanes) {
        MemorySegment x = Floats.range(tensor, from, n);
        DoubleVector a = DoubleVector.zero(DOUBLES);
        DoubleVector b = DoubleVector.zero(DOUBLES);
        DoubleVector c = DoubleVector.zero(DOUBLES);
        DoubleVector d = DoubleVector.zero(DOUBLES);
        int i = 0;
        for (; i <= n - 2 * LANES; i += 2 * LANES) {
            FloatVector v = FloatVector.fromMemorySegment(SPECIES, x, i * 4L, ORDER);
            FloatVector w = FloatVector.fromMemorySegment(SPECIES, x, (i + LANES) * 4L, ORDER);
            DoubleVector v0 = Lanes.half(v, 0);
            DoubleVector v1 = Lanes.half(v, 1);
            DoubleVector w0 = Lanes.half(w, 0);
            DoubleVector w1 = Lanes.half(w, 1);
            a = v0.fma(v0, a);
            b = v1.fma(v1, b);
            c = w0.fma(w0, c);
            d = w1.fma(w1, d);
        }
        double total = total(a, b, c, d, lanes);
        for (; i < n; i++) {
            double value = Floats.get(x, i);
            total += value * value;
        }
        return total;
    }

    /** The lanes in order: the order of a vector's own reduction is not specified. */
    private static double total(DoubleVector a, DoubleVector b, DoubleVector c, DoubleVector d, double[] lanes) {
        a.add(b).add(c.add(d)).intoArray(lanes, 0);
        double total = 0;
        for (int i = 0; i < DOUBLES.length(); i++) {
            total += lanes[i];
        }
        return total;
    }
}
