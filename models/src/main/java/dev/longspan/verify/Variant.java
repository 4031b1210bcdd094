package dev.longspan.verify;

import dev.longspan.kernel.AttentionPattern.Branch;
import dev.longspan.kernel.AttentionPattern.Dilated;
import dev.longspan.kernel.AttentionPattern.HeadOffset;
import dev.longspan.kernel.AttentionPattern.PadKeys;
import dev.longspan.kernel.AttentionPlan.Gradient;
import dev.longspan.tensor.DType;
import java.util.List;

/** One way to compute a case: the dtype and the choices in which implementations differ. */
public record Variant(DType dtype, HeadOffset offset, PadKeys pads, Gradient gradient, Parts parts) {

    Dilated dilated(List<Branch> schedule) {
        return new Dilated(schedule, offset, pads);
    }

    /** The same with the sequence fed in other parts. */
    Variant in(Parts other) {
        return new Variant(dtype, offset, pads, gradient, other);
    }
}
