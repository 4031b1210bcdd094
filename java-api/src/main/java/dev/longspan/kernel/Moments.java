package dev.longspan.kernel;

import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;

/**
 * Mean and population variance of everything seen so far, by group of channels.
 *
 * @param count timesteps seen, I64 [B]
 * @param mean F64 [B, groups]: in float32 the variance is off by 2e-3 after 200 thousand steps
 * @param var F64 [B, groups]
 */
public record Moments(Tensor count, Tensor mean, Tensor var) {

    public Moments {
        if (count.dtype() != DType.I64 || mean.dtype() != DType.F64 || var.dtype() != DType.F64 || count.rank() != 1
                || mean.rank() != 2 || var.rank() != 2 || mean.size(0) != count.size(0) || var.size(0) != count.size(0)
                || var.size(1) != mean.size(1)) {
            throw new IllegalArgumentException("moments must be I64[B], F64[B, groups] and F64[B, groups]: count=" + count
                    + ", mean=" + mean + ", var=" + var);
        }
    }

    /** Number of sequences. */
    public long batch() {
        return count.size(0);
    }

    /** Number of groups of channels. */
    public long groups() {
        return mean.size(1);
    }
}
