package dev.longspan.kernel;

import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * What a timestep norm counts.
 *
 * @param documents a row that enters a document starts from fresh moments; none for one endless document
 * @param first position of row 0 among the documents
 * @param padding nonzero rows, U8 or BOOL [B, L], become 0 and leave the moments as they are
 * @param weightOffset added to the weight: 1 for weights stored minus one
 * @param eps added to the variance
 */
public record TimestepNormPlan(@Nullable Documents documents, long first, @Nullable Tensor padding, double weightOffset,
        double eps) {

    public TimestepNormPlan {
        if (padding != null && (padding.dtype() != DType.U8 && padding.dtype() != DType.BOOL || padding.rank() != 2)) {
            throw new IllegalArgumentException("padding must be U8 or BOOL [batch, rows]: padding=" + padding);
        }
        if (!(eps >= 0)) {
            throw new IllegalArgumentException("eps must not be negative: eps=" + eps);
        }
    }

    /** Without documents and padding. */
    public static TimestepNormPlan of(double weightOffset, double eps) {
        return new TimestepNormPlan(null, 0, null, weightOffset, eps);
    }

    /** With documents; row 0 has position {@code first}. */
    public TimestepNormPlan withDocuments(@Nullable Documents documents, long first) {
        return new TimestepNormPlan(documents, first, padding, weightOffset, eps);
    }

    /** With rows that do not count. */
    public TimestepNormPlan withPadding(@Nullable Tensor padding) {
        return new TimestepNormPlan(documents, first, padding, weightOffset, eps);
    }
}
