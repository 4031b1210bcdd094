package dev.longspan.kernel;

import dev.longspan.kernel.AttentionPattern.BlockLocal;
import dev.longspan.kernel.AttentionPattern.Branch;
import dev.longspan.kernel.AttentionPattern.Chunked;
import dev.longspan.kernel.AttentionPattern.CompactDilated;
import dev.longspan.kernel.AttentionPattern.Dense;
import dev.longspan.kernel.AttentionPattern.Dilated;
import dev.longspan.kernel.AttentionPattern.FixedSparse;
import dev.longspan.kernel.AttentionPattern.HeadOffset;
import dev.longspan.kernel.AttentionPattern.PadKeys;

/** Which key positions a query position sees, one pair at a time, as the papers define it: the oracle for tasks and kernels. */
public record PatternDefinition(AttentionPattern pattern, boolean causal, long blockwise, long[] documentStarts, int heads,
        long keys) {

    /** Whether a branch shows head {@code head} the key at position s to the query at position p. */
    public boolean shows(int branch, int head, long p, long s) {
        if (causal && s > p || document(p) != document(s)) {
            return false;
        }
        if (blockwise > 0 && s / (blockwise / 2) < p / (blockwise / 2) - 1) {
            return false;
        }
        return switch (pattern) {
            case Dense dense -> true;
            case Chunked chunked -> p / chunked.chunk() == s / chunked.chunk();
            case BlockLocal local -> s / local.block() >= p / local.block() - local.before()
                    && s / local.block() <= p / local.block() + local.after();
            case FixedSparse fixed -> branch == 0 ? p / fixed.block() == s / fixed.block()
                    : s / fixed.block() < p / fixed.block() && isSummary(fixed, head, s % fixed.block());
            case Dilated dilated -> {
                long w = segment(dilated, branch);
                yield p / w == s / w && covered(dilated, branch, head, p) && covered(dilated, branch, head, s);
            }
            case CompactDilated compact -> throw new IllegalArgumentException("compare with Dilated: " + compact);
        };
    }

    /** Zero keys that the query at position p counts in a branch. */
    public long pads(int branch, int head, long p) {
        if (!(pattern instanceof Dilated dilated) || causal || dilated.pads() == PadKeys.MASK
                || !covered(dilated, branch, head, p)) {
            return 0;
        }
        long w = segment(dilated, branch);
        long present = 0;
        for (long s = 0; s < keys; s++) {
            if (s / w == p / w && covered(dilated, branch, head, s)) {
                present++;
            }
        }
        return Math.ceilDiv(w, dilated.schedule().get(branch).dilation()) - present;
    }

    private boolean covered(Dilated dilated, int branch, int head, long position) {
        long r = dilated.schedule().get(branch).dilation();
        long phase = dilated.offset() == HeadOffset.MODULO ? head % r : (long) Math.floor(head / Math.ceil(heads / (double) r));
        return position % segment(dilated, branch) % r == phase;
    }

    private long segment(Dilated dilated, int branch) {
        Branch b = dilated.schedule().get(branch);
        return causal ? b.segment() : Math.min(b.segment(), keys);
    }

    private static boolean isSummary(FixedSparse fixed, int head, long inBlock) {
        long slot = head % (fixed.block() / fixed.summary());
        return inBlock >= fixed.block() - (slot + 1) * fixed.summary() && inBlock < fixed.block() - slot * fixed.summary();
    }

    private int document(long position) {
        int document = 0;
        while (document + 1 < documentStarts.length && documentStarts[document + 1] <= position) {
            document++;
        }
        return document;
    }
}
