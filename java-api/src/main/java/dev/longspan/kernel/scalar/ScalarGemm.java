package dev.longspan.kernel.scalar;

import dev.longspan.kernel.GemmKernel;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Tiles of the output, each summed in double over k in order. */
final class ScalarGemm implements GemmKernel {

    private static final int TILE_ROWS = 16;
    private static final int TILE_COLS = 256;

    @Override
    public void gemm(Parallel parallel, Tensor a, Tensor b, @Nullable Tensor bias, Tensor c, boolean accumulate) {
        long m = c.size(0);
        long n = c.size(1);
        long depth = a.size(1);
        Reals as = new Reals(a);
        Reals bs = new Reals(b);
        Reals cs = new Reals(c);
        Reals biases = bias == null ? null : new Reals(bias);
        long biasAt = bias == null ? 0 : bias.offset();
        long tilesAcross = Math.ceilDiv(n, TILE_COLS);
        parallel.forEach(Math.ceilDiv(m, TILE_ROWS) * tilesAcross, (tile, scratch) -> {
            long row = tile / tilesAcross * TILE_ROWS;
            long col = tile % tilesAcross * TILE_COLS;
            int rows = (int) Math.min(TILE_ROWS, m - row);
            int cols = (int) Math.min(TILE_COLS, n - col);
            double[] sums = scratch.doubles(0, TILE_ROWS * TILE_COLS);
            double[] bRow = scratch.doubles(1, TILE_COLS);
            Arrays.fill(sums, 0, rows * cols, 0);
            for (long k = 0; k < depth; k++) {
                bs.load(b.offset() + k * b.stride(0) + col * b.stride(1), b.stride(1), bRow, cols);
                for (int i = 0; i < rows; i++) {
                    double aik = as.get(a.offset() + (row + i) * a.stride(0) + k * a.stride(1));
                    int at = i * cols;
                    for (int j = 0; j < cols; j++) {
                        sums[at + j] += aik * bRow[j];
                    }
                }
            }
            for (int i = 0; i < rows; i++) {
                for (int j = 0; biases != null && j < cols; j++) {
                    sums[i * cols + j] += biases.get(biasAt + col + j);
                }
                long at = c.offset() + (row + i) * c.stride(0) + col;
                if (accumulate) {
                    cs.add(at, sums, i * cols, cols);
                } else {
                    cs.store(at, sums, i * cols, cols);
                }
            }
        });
    }

    @Override
    public void addColumnSums(Parallel parallel, Tensor x, Tensor sums) {
        Reals xs = new Reals(x);
        Reals to = new Reals(sums);
        parallel.forRanges(x.size(1), TILE_COLS, (from, end, scratch) -> {
            int cols = (int) (end - from);
            double[] total = scratch.doubles(0, cols);
            Arrays.fill(total, 0, cols, 0);
            for (long i = 0; i < x.size(0); i++) {
                xs.addTo(total, 1, x.offset() + i * x.stride(0) + from, cols);
            }
            to.add(sums.offset() + from, total, 0, cols);
        });
    }
}
