package dev.longspan.checkpoint;

import dev.longspan.tensor.DType;
import java.util.Arrays;
import java.util.Comparator;

/** One tensor of a safetensors header; {@code begin} and {@code end} are bytes within the data behind the header. */
record TensorEntry(String name, DType dtype, long[] shape, long begin, long end) {

    /** The order of the data; the name decides between empty tensors. */
    static final Comparator<TensorEntry> BY_PLACE = Comparator.comparingLong(TensorEntry::begin)
            .thenComparingLong(TensorEntry::end).thenComparing(TensorEntry::name);

    long bytes() {
        return end - begin;
    }

    /** Dtype and shape as text: {@code F32[2, 3]}. */
    String type() {
        return dtype + Arrays.toString(shape);
    }
}
