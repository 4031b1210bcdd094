package dev.longspan.kernel.host;

import dev.longspan.bindings.host.Longspan;
import dev.longspan.kernel.ElementwiseKernel;
import dev.longspan.kernel.NormKernel;
import dev.longspan.kernel.Residual;
import dev.longspan.parallel.KeptMemory;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** Norms by ranges of rows; gradients of weight and bias are summed within blocks of rows, then over the blocks in order. */
final class HostNorm implements NormKernel {

    /** Elements of a work item of the forward. */
    private static final int ITEM = 1 << 14;
    /** At most so many partial sums of parameter gradients. */
    private static final int MAX_BLOCKS = 64;
    private static final int MIN_BLOCK_ROWS = 16;

    private final KeptMemory partial = new KeptMemory();

    @Override
    public void layerNorm(Parallel parallel, Tensor x, @Nullable Tensor weight, @Nullable Tensor bias, double weightOffset,
            double eps, Tensor y, Tensor mean, Tensor rstd) {
        forward(parallel, null, x, weight, bias, weightOffset, eps, y, mean, rstd);
    }

    @Override
    public void rmsNorm(Parallel parallel, Tensor x, @Nullable Tensor weight, double weightOffset, double eps, Tensor y,
            Tensor rstd) {
        forward(parallel, null, x, weight, null, weightOffset, eps, y, null, rstd);
    }

    @Override
    public void layerNorm(Parallel parallel, ElementwiseKernel elementwise, Residual of, Tensor sum, @Nullable Tensor weight,
            @Nullable Tensor bias, double weightOffset, double eps, Tensor y, Tensor mean, Tensor rstd) {
        forward(parallel, of, sum, weight, bias, weightOffset, eps, y, mean, rstd);
    }

    @Override
    public void rmsNorm(Parallel parallel, ElementwiseKernel elementwise, Residual of, Tensor sum, @Nullable Tensor weight,
            double weightOffset, double eps, Tensor y, Tensor rstd) {
        forward(parallel, of, sum, weight, null, weightOffset, eps, y, null, rstd);
    }

    private static void forward(Parallel parallel, @Nullable Residual of, Tensor x, @Nullable Tensor weight,
            @Nullable Tensor bias, double weightOffset, double eps, Tensor y, @Nullable Tensor mean, Tensor rstd) {
        long d = x.size(-1);
        long grain = Math.ceilDiv(Memory.item(y.elements(), ITEM), Math.max(1, d));
        MemorySegment weights = Memory.rangeOrNull(weight, 0, d);
        MemorySegment biases = Memory.rangeOrNull(bias, 0, d);
        MemorySegment allMeans = Memory.allOrNull(mean);
        parallel.forRanges(rstd.elements(), grain, (from, to, scratch) -> {
            long rows = to - from;
            long at = from * d;
            long n = rows * d;
            MemorySegment xs = Memory.range(x, at, n);
            MemorySegment ys = Memory.range(y, at, n);
            MemorySegment means = Memory.cut(allMeans, from, rows);
            MemorySegment rstds = Memory.range(rstd, from, rows);
            Status.check(of == null
                    ? Longspan.ls_norm(xs, weights, biases, (float) weightOffset, eps, ys, means, rstds, rows, d)
                    : Longspan.ls_sum_norm(Memory.range(of.x(), at, n), (float) of.alpha(), Memory.range(of.f(), at, n), xs, weights,
                            biases, (float) weightOffset, eps, ys, means, rstds, rows, d));
        });
    }

    @Override
    public void affine(Parallel parallel, Tensor x, @Nullable Tensor weight, @Nullable Tensor bias, double weightOffset,
            double factor, Tensor y) {
        long d = x.size(-1);
        MemorySegment weights = Memory.rangeOrNull(weight, 0, d);
        MemorySegment biases = Memory.rangeOrNull(bias, 0, d);
        parallel.forRanges(x.size(0), grain(d), (from, to, scratch) -> {
            long n = (to - from) * d;
            Status.check(Longspan.ls_affine(Memory.range(x, from * d, n), weights, biases, (float) weightOffset, (float) factor,
                    Memory.range(y, from * d, n), to - from, d));
        });
    }

    @Override
    public void layerNormBackward(Parallel parallel, Tensor x, @Nullable Tensor weight, double weightOffset, Tensor mean,
            Tensor rstd, Tensor dy, @Nullable Tensor dx, @Nullable Tensor dWeight, @Nullable Tensor dBias) {
        backward(parallel, x, weight, weightOffset, mean, rstd, 0, dy, dx, dWeight, dBias);
    }

    @Override
    public void rmsNormBackward(Parallel parallel, Tensor x, @Nullable Tensor weight, double weightOffset, Tensor rstd,
            Tensor dy, @Nullable Tensor dx, @Nullable Tensor dWeight) {
        backward(parallel, x, weight, weightOffset, null, rstd, 0, dy, dx, dWeight, null);
    }

    @Override
    public void affineBackward(Parallel parallel, Tensor x, @Nullable Tensor weight, double weightOffset, double factor,
            Tensor dy, @Nullable Tensor dx, @Nullable Tensor dWeight, @Nullable Tensor dBias) {
        backward(parallel, x, weight, weightOffset, null, null, factor, dy, dx, dWeight, dBias);
    }

    @Override
    public void softmax(Parallel parallel, Tensor x, Tensor y) {
        long d = x.size(-1);
        long grain = Math.ceilDiv(Memory.item(y.elements(), ITEM), Math.max(1, d));
        parallel.forRanges(x.size(0), grain, (from, to, scratch) -> {
            long rows = to - from;
            Status.check(Longspan.ls_softmax(Memory.range(x, from * d, rows * d), Memory.range(y, from * d, rows * d), rows,
                    d));
        });
    }

    @Override
    public void softmaxBackward(Parallel parallel, Tensor y, Tensor dy, Tensor dx) {
        long d = y.size(-1);
        parallel.forRanges(y.size(0), grain(d), (from, to, scratch) -> {
            long rows = to - from;
            Status.check(Longspan.ls_softmax_backward(Memory.range(y, from * d, rows * d),
                    Memory.range(dy, from * d, rows * d), Memory.range(dx, from * d, rows * d), rows, d));
        });
    }

    private void backward(Parallel parallel, Tensor x, @Nullable Tensor weight, double weightOffset, @Nullable Tensor mean,
            @Nullable Tensor rstd, double factor, Tensor dy, @Nullable Tensor dx, @Nullable Tensor dWeight,
            @Nullable Tensor dBias) {
        long d = x.size(-1);
        long blockRows = Math.max(MIN_BLOCK_ROWS, Math.ceilDiv(x.size(0), MAX_BLOCKS));
        long blocks = Math.ceilDiv(x.size(0), blockRows);
        MemorySegment sums = partial.take(2 * blocks * d);
        sums.asSlice(0, 2 * blocks * d * 4).fill((byte) 0);
        MemorySegment weights = Memory.rangeOrNull(weight, 0, d);
        MemorySegment means = Memory.allOrNull(mean);
        MemorySegment rstds = Memory.allOrNull(rstd);
        MemorySegment dxs = Memory.allOrNull(dx);
        MemorySegment weightSums = dWeight == null ? MemorySegment.NULL : sums.asSlice(0, blocks * d * 4);
        MemorySegment biasSums = dBias == null ? MemorySegment.NULL : sums.asSlice(blocks * d * 4, blocks * d * 4);
        parallel.forRanges(x.size(0), blockRows, (from, to, scratch) -> {
            long rows = to - from;
            long at = from / blockRows * d;
            Status.check(Longspan.ls_norm_backward(Memory.range(x, from * d, rows * d), weights,
                    (float) weightOffset, Memory.cut(means, from, rows), Memory.cut(rstds, from, rows), (float) factor,
                    Memory.range(dy, from * d, rows * d), Memory.cut(dxs, from * d, rows * d), Memory.cut(weightSums, at, d),
                    Memory.cut(biasSums, at, d), rows, d));
        });
        addBlocks(weightSums, blocks, d, dWeight);
        addBlocks(biasSums, blocks, d, dBias);
        partial.give(sums);
    }

    private static void addBlocks(MemorySegment sums, long blocks, long d, @Nullable Tensor gradient) {
        if (gradient != null) {
            Status.check(Longspan.ls_add_blocks(sums, blocks, d, Memory.range(gradient, 0, d)));
        }
    }

    private static long grain(long d) {
        return Math.max(1, ITEM / Math.max(1, d));
    }
}
