package dev.longspan.kernel.scalar;

import dev.longspan.kernel.NormKernel;
import dev.longspan.parallel.Parallel;
import dev.longspan.parallel.Scratch;
import dev.longspan.tensor.Tensor;
import java.util.Arrays;
import java.util.function.LongToDoubleFunction;
import org.jspecify.annotations.Nullable;

/** Rows for y and dx, columns for the gradients of weight and bias. RMS norm is layer norm with a mean of 0. */
final class ScalarNorm implements NormKernel {

    private static final int TILE_ROWS = 16;
    private static final int TILE_COLS = 64;

    @Override
    public void layerNorm(Parallel parallel, Tensor x, @Nullable Tensor weight, @Nullable Tensor bias, double weightOffset,
            double eps, Tensor y, Tensor mean, Tensor rstd) {
        forward(parallel, x, weight, bias, weightOffset, eps, y, mean, rstd);
    }

    @Override
    public void rmsNorm(Parallel parallel, Tensor x, @Nullable Tensor weight, double weightOffset, double eps, Tensor y,
            Tensor rstd) {
        forward(parallel, x, weight, null, weightOffset, eps, y, null, rstd);
    }

    @Override
    public void layerNormBackward(Parallel parallel, Tensor x, @Nullable Tensor weight, double weightOffset, Tensor mean,
            Tensor rstd, Tensor dy, @Nullable Tensor dx, @Nullable Tensor dWeight, @Nullable Tensor dBias) {
        backward(parallel, x, weight, weightOffset, mean, rstd, dy, dx, dWeight, dBias);
    }

    @Override
    public void rmsNormBackward(Parallel parallel, Tensor x, @Nullable Tensor weight, double weightOffset, Tensor rstd,
            Tensor dy, @Nullable Tensor dx, @Nullable Tensor dWeight) {
        backward(parallel, x, weight, weightOffset, null, rstd, dy, dx, dWeight, null);
    }

    @Override
    public void affine(Parallel parallel, Tensor x, @Nullable Tensor weight, @Nullable Tensor bias, double weightOffset,
            double factor, Tensor y) {
        int d = Math.toIntExact(x.size(-1));
        Reals xs = new Reals(x);
        Reals ys = new Reals(y);
        parallel.forRanges(x.size(0), TILE_ROWS, (from, end, scratch) -> {
            double[] w = factors(weight, weightOffset, d, scratch);
            double[] b = terms(bias, d, scratch);
            double[] row = scratch.doubles(2, d);
            for (long i = from; i < end; i++) {
                xs.load(x.offset() + i * d, row, d);
                for (int j = 0; j < d; j++) {
                    row[j] = row[j] * factor * w[j] + b[j];
                }
                ys.store(y.offset() + i * d, row, 0, d);
            }
        });
    }

    @Override
    public void affineBackward(Parallel parallel, Tensor x, @Nullable Tensor weight, double weightOffset, double factor,
            Tensor dy, @Nullable Tensor dx, @Nullable Tensor dWeight, @Nullable Tensor dBias) {
        int d = Math.toIntExact(x.size(-1));
        if (dx != null) {
            Reals dys = new Reals(dy);
            Reals dxs = new Reals(dx);
            parallel.forRanges(x.size(0), TILE_ROWS, (from, end, scratch) -> {
                double[] w = factors(weight, weightOffset, d, scratch);
                double[] row = scratch.doubles(1, d);
                for (long i = from; i < end; i++) {
                    dys.load(dy.offset() + i * d, row, d);
                    for (int j = 0; j < d; j++) {
                        row[j] *= factor * w[j];
                    }
                    dxs.add(dx.offset() + i * d, row, 0, d);
                }
            });
        }
        if (dWeight != null || dBias != null) {
            addParameterGradients(parallel, x, row -> 0, row -> factor, dy, dWeight, dBias);
        }
    }

    @Override
    public void softmax(Parallel parallel, Tensor x, Tensor y) {
        int d = Math.toIntExact(x.size(-1));
        Reals xs = new Reals(x);
        Reals ys = new Reals(y);
        parallel.forRanges(x.size(0), TILE_ROWS, (from, end, scratch) -> {
            double[] row = scratch.doubles(0, d);
            for (long i = from; i < end; i++) {
                xs.load(x.offset() + i * d, row, d);
                double max = Double.NEGATIVE_INFINITY;
                for (int j = 0; j < d; j++) {
                    max = Math.max(max, row[j]);
                }
                double sum = 0;
                for (int j = 0; j < d; j++) {
                    row[j] = Math.exp(row[j] - max);
                    sum += row[j];
                }
                for (int j = 0; j < d; j++) {
                    row[j] /= sum;
                }
                ys.store(y.offset() + i * d, row, 0, d);
            }
        });
    }

    @Override
    public void softmaxBackward(Parallel parallel, Tensor y, Tensor dy, Tensor dx) {
        int d = Math.toIntExact(y.size(-1));
        Reals ys = new Reals(y);
        Reals dys = new Reals(dy);
        Reals dxs = new Reals(dx);
        parallel.forRanges(y.size(0), TILE_ROWS, (from, end, scratch) -> {
            double[] row = scratch.doubles(0, d);
            double[] slope = scratch.doubles(1, d);
            for (long i = from; i < end; i++) {
                ys.load(y.offset() + i * d, row, d);
                dys.load(dy.offset() + i * d, slope, d);
                double dot = dys.dot(dy.offset() + i * d, row, d);
                for (int j = 0; j < d; j++) {
                    row[j] *= slope[j] - dot;
                }
                dxs.add(dx.offset() + i * d, row, 0, d);
            }
        });
    }

    private static void forward(Parallel parallel, Tensor x, @Nullable Tensor weight, @Nullable Tensor bias,
            double weightOffset, double eps, Tensor y, @Nullable Tensor mean, Tensor rstd) {
        int d = Math.toIntExact(x.size(-1));
        Reals xs = new Reals(x);
        Reals ys = new Reals(y);
        Reals means = mean == null ? null : new Reals(mean);
        long meanAt = mean == null ? 0 : mean.offset();
        Reals rstds = new Reals(rstd);
        parallel.forRanges(rstd.elements(), TILE_ROWS, (from, end, scratch) -> {
            double[] w = factors(weight, weightOffset, d, scratch);
            double[] b = terms(bias, d, scratch);
            double[] row = scratch.doubles(2, d);
            for (long i = from; i < end; i++) {
                xs.load(x.offset() + i * d, row, d);
                double m = 0;
                if (means != null) {
                    for (int j = 0; j < d; j++) {
                        m += row[j];
                    }
                    m /= d;
                    means.set(meanAt + i, m);
                }
                double squares = 0;
                for (int j = 0; j < d; j++) {
                    squares += (row[j] - m) * (row[j] - m);
                }
                double r = 1 / Math.sqrt(squares / d + eps);
                rstds.set(rstd.offset() + i, r);
                for (int j = 0; j < d; j++) {
                    row[j] = (row[j] - m) * r * w[j] + b[j];
                }
                ys.store(y.offset() + i * d, row, 0, d);
            }
        });
    }

    private static void backward(Parallel parallel, Tensor x, @Nullable Tensor weight, double weightOffset,
            @Nullable Tensor mean, Tensor rstd, Tensor dy, @Nullable Tensor dx, @Nullable Tensor dWeight,
            @Nullable Tensor dBias) {
        if (dx != null) {
            addInputGradient(parallel, x, weight, weightOffset, mean, rstd, dy, dx);
        }
        if (dWeight != null || dBias != null) {
            Reals rstds = new Reals(rstd);
            Reals means = new Reals(mean == null ? rstd : mean);
            addParameterGradients(parallel, x, row -> mean == null ? 0 : means.get(mean.offset() + row),
                    row -> rstds.get(rstd.offset() + row), dy, dWeight, dBias);
        }
    }

    /** {@code dx += rstd · (g − mean(g) − x̂ · mean(g ⊙ x̂))} with g = dy ⊙ weight and x̂ = (x − mean) · rstd; no mean(g) for RMS. */
    private static void addInputGradient(Parallel parallel, Tensor x, @Nullable Tensor weight, double weightOffset,
            @Nullable Tensor mean, Tensor rstd, Tensor dy, Tensor dx) {
        int d = Math.toIntExact(x.size(-1));
        Reals xs = new Reals(x);
        Reals dys = new Reals(dy);
        Reals dxs = new Reals(dx);
        Reals rstds = new Reals(rstd);
        parallel.forRanges(rstd.elements(), TILE_ROWS, (from, end, scratch) -> {
            double[] w = factors(weight, weightOffset, d, scratch);
            double[] xHat = scratch.doubles(1, d);
            double[] g = scratch.doubles(2, d);
            for (long i = from; i < end; i++) {
                double m = mean == null ? 0 : new Reals(mean).get(mean.offset() + i);
                double r = rstds.get(rstd.offset() + i);
                xs.load(x.offset() + i * d, xHat, d);
                dys.load(dy.offset() + i * d, g, d);
                double meanG = 0;
                double meanGx = 0;
                for (int j = 0; j < d; j++) {
                    xHat[j] = (xHat[j] - m) * r;
                    g[j] *= w[j];
                    meanG += g[j] / d;
                    meanGx += g[j] * xHat[j] / d;
                }
                if (mean == null) {
                    meanG = 0;
                }
                for (int j = 0; j < d; j++) {
                    g[j] = r * (g[j] - meanG - xHat[j] * meanGx);
                }
                dxs.add(dx.offset() + i * d, g, 0, d);
            }
        });
    }

    /** {@code dWeight += Σ dy ⊙ x̂}, {@code dBias += Σ dy} over the rows in order. */
    private static void addParameterGradients(Parallel parallel, Tensor x, LongToDoubleFunction mean,
            LongToDoubleFunction rstd, Tensor dy, @Nullable Tensor dWeight, @Nullable Tensor dBias) {
        long d = x.size(-1);
        Reals xs = new Reals(x);
        Reals dys = new Reals(dy);
        parallel.forRanges(d, TILE_COLS, (from, end, scratch) -> {
            int cols = (int) (end - from);
            double[] xHat = scratch.doubles(0, cols);
            double[] dyRow = scratch.doubles(1, cols);
            double[] dw = scratch.doubles(2, cols);
            double[] db = scratch.doubles(3, cols);
            Arrays.fill(dw, 0, cols, 0);
            Arrays.fill(db, 0, cols, 0);
            for (long i = 0; i < x.size(0); i++) {
                double m = mean.applyAsDouble(i);
                double r = rstd.applyAsDouble(i);
                xs.load(x.offset() + i * d + from, xHat, cols);
                dys.load(dy.offset() + i * d + from, dyRow, cols);
                for (int j = 0; j < cols; j++) {
                    dw[j] += dyRow[j] * (xHat[j] - m) * r;
                    db[j] += dyRow[j];
                }
            }
            if (dWeight != null) {
                new Reals(dWeight).add(dWeight.offset() + from, dw, 0, cols);
            }
            if (dBias != null) {
                new Reals(dBias).add(dBias.offset() + from, db, 0, cols);
            }
        });
    }

    /** The bias, or zeros. */
    private static double[] terms(@Nullable Tensor bias, int d, Scratch scratch) {
        double[] b = scratch.doubles(1, d);
        if (bias == null) {
            Arrays.fill(b, 0, d, 0);
        } else {
            new Reals(bias).load(bias.offset(), b, d);
        }
        return b;
    }

    /** {@code weight + weightOffset}, or ones. */
    private static double[] factors(@Nullable Tensor weight, double weightOffset, int d, Scratch scratch) {
        double[] w = scratch.doubles(0, d);
        if (weight == null) {
            Arrays.fill(w, 0, d, 1);
        } else {
            new Reals(weight).load(weight.offset(), w, d);
            for (int j = 0; j < d; j++) {
                w[j] += weightOffset;
            }
        }
        return w;
    }
}
