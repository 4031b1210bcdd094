package dev.longspan.model;

import dev.longspan.nn.Parameters;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;

/** How a model that is not trained holds the matrices of its products. */
public enum WeightStorage {

    /** As they lie in the file. */
    MAPPED,
    /** Copied: in large pages where there are any, of which the processor finds more bytes without a search. The same bits. */
    F32,
    /** The same, rounded to bfloat16: half the bytes, and float32 in all that is computed from them. */
    BF16;

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
                return arena.allocate(dtype, out, in).copyFrom(from.get(name, out, in));
            }
        };
    }
}
