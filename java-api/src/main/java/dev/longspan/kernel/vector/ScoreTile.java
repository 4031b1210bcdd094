package dev.longspan.kernel.vector;

/**
 * A block of scores held by keys: key k's against query i at {@code k · BLOCK + i}, in powers of two. Lanes are
 * queries, so
 * that maxima and sums over keys need no sum across lanes.
 */
final class ScoreTile {

    /** Score of a hidden key: finite, so that no difference of two is NaN. */
    static final float HIDDEN = -1e30f;

    static final int SIZE = Tiles.BLOCK * Tiles.BLOCK;

    private ScoreTile() {
    }

    /**
     * {@code tile = rows of the slab · packed columns}: scores of K and Q, or value gradients of V and dOut; queries
     * c to c + COLS.
     */
    static void multiplyPanel(float[] slab, int so, int keys, float[] panels, int po, int c, int dim, float[] tile) {
        for (int k = 0; k < keys; k += Tiles.ROWS) {
            for (int d = 0; d == 0 || d < dim; d += Tiles.SLAB) {
                int n = Math.min(Tiles.SLAB, dim - d);
                int ao = so + d * Tiles.BLOCK + k * Tiles.SLAB;
                int bo = po + c * dim + d * Tiles.COLS;
                if (d == 0) {
                    Tiles.scoreStart(n, slab, ao, panels, bo, tile, k * Tiles.BLOCK + c);
                } else {
                    Tiles.scoreAdded(n, slab, ao, panels, bo, tile, k * Tiles.BLOCK + c);
                }
            }
        }
    }

    /** {@code sums += tile · slab}: for each key a sum over the queries' rows. */
    static void addRowsTimes(float[] tile, int keys, int queries, float[] slab, int dim, float[] sums, int at) {
        for (int d = 0; d < dim; d += Tiles.COLS) {
            for (int k = 0; k < keys; k += Tiles.ROWS) {
                Tiles.rowsTimes(queries, tile, k * Tiles.BLOCK, slab, Packing.place(0, d), sums, at + Packing.place(k,
                        d));
            }
        }
    }

    /** {@code sums += tileᵀ · slab}: for each query a sum over the keys' rows. */
    static void addColumnsTimes(float[] tile, int keys, int queries, float[] slab, int so, int dim, float[] sums) {
        for (int d = 0; d < dim; d += Tiles.COLS) {
            for (int i = 0; i < queries; i += Tiles.ROWS) {
                Tiles.columnsTimes(keys, tile, i, slab, so + Packing.place(0, d), sums, Packing.place(i, d));
            }
        }
    }
}
