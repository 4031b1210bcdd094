package dev.longspan.checkpoint;

import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.function.Function;

/**
 * A tensor to be written that is made only then, one at a time, so that a file may be larger than memory. It is asked for
 * twice, for its checksum and for its bytes, and must be the same both times.
 */
public interface TensorSource {

    DType dtype();

    long[] shape();

    /** The tensor, in memory of its own or in the arena, which is closed once it is written. */
    Tensor in(TensorArena arena);

    /** A tensor that is there already. */
    static TensorSource of(Tensor tensor) {
        return of(tensor.dtype(), tensor.shape(), arena -> tensor);
    }

    /** A tensor of that dtype and shape made by a function. */
    static TensorSource of(DType dtype, long[] shape, Function<TensorArena, Tensor> make) {
        return new TensorSource() {
            @Override
            public DType dtype() {
                return dtype;
            }

            @Override
            public long[] shape() {
                return shape.clone();
            }

            @Override
            public Tensor in(TensorArena arena) {
                return make.apply(arena);
            }
        };
    }
}
