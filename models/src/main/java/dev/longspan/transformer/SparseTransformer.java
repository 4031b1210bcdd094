package dev.longspan.transformer;

import dev.longspan.kernel.AttentionPattern.Branch;
import dev.longspan.kernel.AttentionPattern.FixedSparse;
import dev.longspan.longnet.DecoderArchitecture;
import dev.longspan.longnet.LongNetConfig;
import java.util.List;

/**
 * The Sparse Transformer's fixed pattern (Child et al., arXiv 1904.10509) as the LongNet paper sets it up: own block of
 * 2,048, and of every earlier block a part of its end that differs from head to head. Its cache keeps all keys.
 */
public final class SparseTransformer {

    public static final long BLOCK = 2048;

    public static final DecoderArchitecture ARCHITECTURE = DecoderArchitecture.like("sparse-transformer",
            (preset, context) -> of(preset, context, LongNetConfig.PAPER_SCHEDULE));

    private SparseTransformer() {
    }

    /** The configuration with the fixed pattern that costs at {@code length} what the schedule of dilated attention costs. */
    public static LongNetConfig of(LongNetConfig config, long length, List<Branch> schedule) {
        return config.withPattern(new FixedSparse(BLOCK, summary(schedule, BLOCK, length)));
    }

    /** The same at inference beyond the length it was trained at: blockwise causal attention, arXiv 2212.10554. */
    public static LongNetConfig beyond(LongNetConfig config, long trainedLength) {
        return config.withBlockwise(trainedLength);
    }

    /**
     * Positions c of each block that all later ones see: {@code c·N/l = Σ w/r²} over all branches but the first, w at most N,
     * rounded down to a power of two. The paper says only that it adjusts the ratio.
     */
    static long summary(List<Branch> schedule, long block, long length) {
        double keys = schedule.stream().skip(1)
                .mapToDouble(b -> Math.min(b.segment(), length) / ((double) b.dilation() * b.dilation())).sum();
        return Math.clamp(Long.highestOneBit((long) (keys * block / length)), 1, block);
    }
}
