package dev.longspan.kernel.host;

import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Sums over contiguous tensors in double: within blocks of a fixed size, then over the blocks in order. */
final class BlockSums {

    private static final int BLOCK = 1 << 16;

    /** Puts what {@code n} elements give into a double; returns a status. */
    @FunctionalInterface
    interface Block {
        int sum(MemorySegment x, long n, MemorySegment to);
    }

    private BlockSums() {
    }

    static double of(Parallel parallel, Tensor x, Block block) {
        double[] sums = new double[Math.toIntExact(Math.ceilDiv(x.elements(), BLOCK))];
        parallel.forRanges(x.elements(), BLOCK, (from, to, scratch) -> {
            MemorySegment sum = scratch.segment(0, Double.BYTES);
            Status.check(block.sum(Memory.range(x, from, to - from), to - from, sum));
            sums[(int) (from / BLOCK)] = sum.get(ValueLayout.JAVA_DOUBLE, 0);
        });
        double total = 0;
        for (double sum : sums) {
            total += sum;
        }
        return total;
    }
}
