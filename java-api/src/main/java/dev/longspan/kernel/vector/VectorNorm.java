package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.LANES;
import static dev.longspan.kernel.vector.Lanes.ORDER;
import static dev.longspan.kernel.vector.Lanes.SPECIES;

import dev.longspan.kernel.NormKernel;
import dev.longspan.parallel.Parallel;
import dev.longspan.parallel.Scratch;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import org.jspecify.annotations.Nullable;

/**
 * A row at a time, from memory once and from the first-level cache after that. RMS norm is layer norm with a mean of 0.
 * The gradients of weight and bias are summed within blocks of rows and then over the blocks in order.
 */
final class VectorNorm implements NormKernel {

    /** Elements of a work item of the forward. */
    private static final int ITEM = 1 << 14;
    /** At most so many partial sums of parameter gradients. */
    private static final int MAX_BLOCKS = 64;
    private static final int MIN_BLOCK_ROWS = 16;

    @Override
    public void layerNorm(Parallel parallel, Tensor x, @Nullable Tensor weight, @Nullable Tensor bias,
            double weightOffset, double eps, Tensor y, Tensor mean, Tensor rstd) {
        forward(parallel, x, weight, bias, weightOffset, eps, y, mean, rstd);
    }

    @Override
    public void rmsNorm(Parallel parallel, Tensor x, @Nullable Tensor weight, double weightOffset, double eps, Tensor y,
            Tensor rstd) {
        forward(parallel, x, weight, null, weightOffset, eps, y, null, rstd);
    }

    @Override
    public void layerNormBackward(Parallel parallel, Tensor x, @Nullable Tensor weight, double weightOffset,
            Tensor mean, Tensor rstd, Tensor dy, @Nullable Tensor dx, @Nullable Tensor dWeight, @Nullable Tensor dBias) {
        backward(parallel, x, weight, weightOffset, mean, rstd, 0, dy, dx, dWeight, dBias);
    }

    @Override
    public void rmsNormBackward(Parallel parallel, Tensor x, @Nullable Tensor weight, double weightOffset, Tensor rstd,
            Tensor dy, @Nullable Tensor dx, @Nullable Tensor dWeight) {
        backward(parallel, x, weight, weightOffset, null, rstd, 0, dy, dx, dWeight, null);
    }

    @Override
    public void affine(Parallel parallel, Tensor x, @Nullable Tensor weight, @Nullable Tensor bias, double weightOffset,
            double factor, Tensor y) {
        int d = Math.toIntExact(x.size(-1));
        parallel.forRanges(x.size(0), Math.max(1, ITEM / Math.max(1, d)), (from, to, scratch) -> {
            float[] w = factors(weight, weightOffset, d, scratch);
            float[] b = buffer(bias, 0, d, 1, scratch);
            for (long row = from; row < to; row++) {
                apply(Floats.range(x, row * d, d), 0, (float) factor, w, b, Floats.range(y, row * d, d), d);
            }
        });
    }

    @Override
    public void affineBackward(Parallel parallel, Tensor x, @Nullable Tensor weight, double weightOffset, double factor,
            Tensor dy, @Nullable Tensor dx, @Nullable Tensor dWeight, @Nullable Tensor dBias) {
        backward(parallel, x, weight, weightOffset, null, null, factor, dy, dx, dWeight, dBias);
    }

    private static void forward(Parallel parallel, Tensor x, @Nullable Tensor weight, @Nullable Tensor bias,
            double weightOffset, double eps, Tensor y, @Nullable Tensor mean, Tensor rstd) {
        int d = Math.toIntExact(x.size(-1));
        parallel.forRanges(rstd.elements(), Math.max(1, ITEM / Math.max(1, d)), (from, to, scratch) -> {
            float[] w = factors(weight, weightOffset, d, scratch);
            float[] b = buffer(bias, 0, d, 1, scratch);
            for (long row = from; row < to; row++) {
                MemorySegment xs = Floats.range(x, row * d, d);
                float m = 0;
                if (mean != null) {
                    m = RowSums.sum(xs, d) / d;
                    Floats.set(mean, row, m);
                }
                float r = (float) (1 / Math.sqrt(RowSums.squares(xs, m, d) / d + eps));
                Floats.set(rstd, row, r);
                apply(xs, m, r, w, b, Floats.range(y, row * d, d), d);
            }
        });
    }

    /** {@code y = (x − m) · r · w + b}. */
    private static void apply(MemorySegment x, float m, float r, float[] w, float[] b, MemorySegment y, int d) {
        FloatVector scale = FloatVector.broadcast(SPECIES, r);
        int i = 0;
        for (; i < Lanes.whole(d); i += LANES) {
            load(x, i).sub(m).mul(scale).fma(FloatVector.fromArray(SPECIES, w, i), FloatVector.fromArray(SPECIES, b, i))
                    .intoMemorySegment(y, i * 4L, ORDER);
        }
        if (i < d) {
            VectorMask<Float> rest = Lanes.first(d - i);
            load(x, i, rest).sub(m).mul(scale)
                    .fma(FloatVector.fromArray(SPECIES, w, i), FloatVector.fromArray(SPECIES, b, i))
                    .intoMemorySegment(y, i * 4L, ORDER, rest);
        }
    }

    /** Without rstd the rows are multiplied by a factor that does not depend on them. */
    private static void backward(Parallel parallel, Tensor x, @Nullable Tensor weight, double weightOffset,
            @Nullable Tensor mean, @Nullable Tensor rstd, double factor, Tensor dy, @Nullable Tensor dx, @Nullable Tensor dWeight,
            @Nullable Tensor dBias) {
        int d = Math.toIntExact(x.size(-1));
        int padded = Math.ceilDiv(d, LANES) * LANES;
        boolean parameters = dWeight != null || dBias != null;
        long blockRows = Math.max(MIN_BLOCK_ROWS, Math.ceilDiv(x.size(0), MAX_BLOCKS));
        int blocks = Math.toIntExact(Math.ceilDiv(x.size(0), blockRows));
        float[] dWeights = new float[parameters ? blocks * padded : 0];
        float[] dBiases = new float[parameters ? blocks * padded : 0];
        parallel.forRanges(x.size(0), blockRows, (from, to, scratch) -> {
            float[] w = factors(weight, weightOffset, d, scratch);
            int at = (int) (from / blockRows) * padded;
            for (long row = from; row < to; row++) {
                MemorySegment xs = Floats.range(x, row * d, d);
                MemorySegment dys = Floats.range(dy, row * d, d);
                float m = mean == null ? 0 : Floats.get(mean, row);
                float r = rstd == null ? (float) factor : Floats.get(rstd, row);
                if (dx != null && rstd == null) {
                    addScaled(dys, w, r, Floats.range(dx, row * d, d), d);
                } else if (dx != null) {
                    float meanG = mean == null ? 0 : RowSums.dot(dys, w, d) / d;
                    float meanGx = RowSums.dot(dys, w, xs, m, d) * r / d;
                    addInputGradient(xs, m, r, dys, w, meanG, meanGx, Floats.range(dx, row * d, d), d);
                }
                if (parameters) {
                    addParameterGradients(xs, m, r, dys, dWeights, dBiases, at, d);
                }
            }
        });
        addBlocks(dWeights, blocks, padded, dWeight, d);
        addBlocks(dBiases, blocks, padded, dBias, d);
    }

    /** {@code dx += r · (g − mean(g) − x̂ · mean(g ⊙ x̂))} with g = dy ⊙ w and x̂ = (x − m) · r. */
    private static void addInputGradient(MemorySegment x, float m, float r, MemorySegment dy, float[] w, float meanG,
            float meanGx, MemorySegment dx, int d) {
        FloatVector scale = FloatVector.broadcast(SPECIES, r);
        FloatVector slope = FloatVector.broadcast(SPECIES, -meanGx);
        int i = 0;
        for (; i < Lanes.whole(d); i += LANES) {
            FloatVector g = load(dy, i).mul(FloatVector.fromArray(SPECIES, w, i)).sub(meanG);
            load(x, i).sub(m).mul(scale).fma(slope, g).fma(scale, load(dx, i)).intoMemorySegment(dx, i * 4L, ORDER);
        }
        if (i < d) {
            VectorMask<Float> rest = Lanes.first(d - i);
            FloatVector g = load(dy, i, rest).mul(FloatVector.fromArray(SPECIES, w, i)).sub(meanG);
            load(x, i, rest).sub(m).mul(scale).fma(slope, g).fma(scale, load(dx, i, rest))
                    .intoMemorySegment(dx, i * 4L, ORDER, rest);
        }
    }

    /** {@code dx += r · dy ⊙ w}. */
    private static void addScaled(MemorySegment dy, float[] w, float r, MemorySegment dx, int d) {
        FloatVector scale = FloatVector.broadcast(SPECIES, r);
        int i = 0;
        for (; i < Lanes.whole(d); i += LANES) {
            load(dy, i).mul(FloatVector.fromArray(SPECIES, w, i)).fma(scale, load(dx, i)).intoMemorySegment(dx, i * 4L, ORDER);
        }
        if (i < d) {
            VectorMask<Float> rest = Lanes.first(d - i);
            load(dy, i, rest).mul(FloatVector.fromArray(SPECIES, w, i)).fma(scale, load(dx, i, rest))
                    .intoMemorySegment(dx, i * 4L, ORDER, rest);
        }
    }

    private static void addParameterGradients(MemorySegment x, float m, float r, MemorySegment dy, float[] dWeights,
            float[] dBiases, int at, int d) {
        FloatVector scale = FloatVector.broadcast(SPECIES, r);
        int i = 0;
        for (; i < Lanes.whole(d); i += LANES) {
            FloatVector g = load(dy, i);
            load(x, i).sub(m).mul(scale).fma(g, FloatVector.fromArray(SPECIES, dWeights, at + i))
                    .intoArray(dWeights, at + i);
            g.add(FloatVector.fromArray(SPECIES, dBiases, at + i)).intoArray(dBiases, at + i);
        }
        if (i < d) {
            VectorMask<Float> rest = Lanes.first(d - i);
            FloatVector g = load(dy, i, rest);
            load(x, i, rest).sub(m).mul(scale).fma(g, FloatVector.fromArray(SPECIES, dWeights, at + i))
                    .intoArray(dWeights, at + i, rest);
            g.add(FloatVector.fromArray(SPECIES, dBiases, at + i)).intoArray(dBiases, at + i, rest);
        }
    }

    private static void addBlocks(float[] partial, int blocks, int padded, @Nullable Tensor gradient, int d) {
        if (gradient == null || d == 0) {
            return;
        }
        MemorySegment to = Floats.range(gradient, 0, d);
        for (int j = 0; j < d; j++) {
            double sum = 0;
            for (int block = 0; block < blocks; block++) {
                sum += partial[block * padded + j];
            }
            Floats.set(to, j, (float) (Floats.get(to, j) + sum));
        }
    }

    /** {@code weight + weightOffset}, or ones. */
    private static float[] factors(@Nullable Tensor weight, double weightOffset, int d, Scratch scratch) {
        float[] w = buffer(weight, 1, d, 0, scratch);
        if (weight != null && weightOffset != 0) {
            for (int j = 0; j < d; j++) {
                w[j] = (float) (w[j] + weightOffset);
            }
        }
        return w;
    }

    /** A row on the heap, with room for a whole last vector. */
    private static float[] buffer(@Nullable Tensor values, float otherwise, int d, int slot, Scratch scratch) {
        float[] row = scratch.floats(slot, d + LANES);
        if (values == null) {
            Arrays.fill(row, 0, d, otherwise);
        } else {
            Floats.load(Floats.range(values, 0, d), row, d);
        }
        return row;
    }

    private static FloatVector load(MemorySegment x, int i) {
        return FloatVector.fromMemorySegment(SPECIES, x, i * 4L, ORDER);
    }

    private static FloatVector load(MemorySegment x, int i, VectorMask<Float> mask) {
        return FloatVector.fromMemorySegment(SPECIES, x, i * 4L, ORDER, mask);
    }
}
