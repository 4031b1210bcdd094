package dev.longspan.model;

import dev.longspan.nn.Parameters;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;

/** How a model that is not trained holds the matrices of its products. */
public enum WeightStorage {

    /** As they lie in the file, row by row. */
    MAPPED,
    /** Copied, with columns as neighbours: what a product of one row reads at memory's speed. The same bits. */
    F32,
    /** The same, rounded to bfloat16: half the bytes, and float32 in all that is computed from them. */
    BF16;

    /** Rows copied at once: the lines that they are written to stay in a cache. */
    private static final long TURNED_ROWS = 32;

    /** A source whose matrices are held so, copies in the arena of those that {@code from} has. */
    public Parameters of(Parameters from, TensorArena arena) {
        if (this == MAPPED) {
            return from;
        }
        if (!arena.space().isHost()) {
            throw new IllegalArgumentException("weights on a device must be " + MAPPED + ": weights=" + this + ", space="
                    + arena.space().name());
        }
        DType dtype = this == BF16 ? DType.BF16 : DType.F32;
        return new Parameters() {
            @Override
            public Tensor get(String name, long... shape) {
                return from.get(name, shape);
            }

            @Override
            public Tensor matrix(String name, long out, long in) {
                Tensor source = from.get(name, out, in);
                Tensor matrix = arena.allocate(dtype, in, out).transpose(0, 1);
                for (long row = 0; row < out; row += TURNED_ROWS) {
                    long end = Math.min(out, row + TURNED_ROWS);
                    matrix.slice(0, row, end).copyFrom(source.slice(0, row, end));
                }
                return matrix;
            }
        };
    }
}
