package dev.longspan.nn;

import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.Map;

/** What a model carries from one call to the next: a value in the caller's arena that can be saved, copied and reordered. */
public interface StreamState {

    /** The name under which {@link #tensors} has I64 [2]: the position and the number of sequences. */
    String POSITION = "position";

    /** The name under which {@link #tensors} has I64 [1]: the {@link Fingerprint} of the model. */
    String MODEL = "model";

    /**
     * The name under which {@link #tensors} has an empty tensor of the dtype of {@link KeyValueCache}s where that is not the
     * model's own.
     */
    String CACHES = "caches";

    /** Tokens seen so far. */
    long position();

    /** Everything in it by name, to save or to fill. */
    Map<String, Tensor> tensors();

    /** An independent copy whose sequence i continues sequence {@code rows[i]} of this one: beams, or a plain copy. */
    StreamState select(TensorArena arena, int... rows);
}
