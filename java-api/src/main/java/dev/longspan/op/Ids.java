package dev.longspan.op;

import dev.longspan.tensor.DType;
import dev.longspan.tensor.Elements;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/** Checks of token ids before they index memory. Those of a device are brought to the host first: better give them there. */
final class Ids {

    private Ids() {
    }

    /** Contiguous I32 or I64 within [from, to); returns how many are not negative. */
    static long check(String name, Tensor ids, long from, long to) {
        if (ids.dtype() != DType.I32 && ids.dtype() != DType.I64) {
            throw new IllegalArgumentException(name + " must be I32 or I64: " + name + "=" + ids);
        }
        Shapes.checkContiguous(name, ids);
        long counted = 0;
        Tensor here = ids.onHost();
        MemorySegment memory = here.segment();
        for (long i = 0; i < here.elements(); i++) {
            long value = Elements.getLong(memory, here.dtype(), here.offset() + i);
            if (value < from || value >= to) {
                throw new IllegalArgumentException(name + " must be in [" + from + ", " + to + "): " + name + "[" + i + "]="
                        + value);
            }
            counted += value >= 0 ? 1 : 0;
        }
        return counted;
    }
}
