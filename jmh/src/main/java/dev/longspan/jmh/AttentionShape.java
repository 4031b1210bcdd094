package dev.longspan.jmh;

import dev.longspan.kernel.AttentionPattern.Branch;
import dev.longspan.tensor.DType;
import java.util.List;
import java.util.Locale;
import java.util.function.LongConsumer;

/**
 * Which attention: B sequences of N tokens, H heads of D dimensions, values of Dv.
 *
 * @param branches segments and dilations; one segment of all tokens where attention is dense, of a chunk where it is chunked
 * @param dtype how q, k, v and their gradients are stored: F32 or BF16
 */
record AttentionShape(Pattern pattern, boolean causal, long batch, long tokens, int heads, int dim, int valueDim,
        List<Branch> branches, boolean backward, DType dtype) {

    /** Which keys a query sees. */
    enum Pattern {
        DENSE, CHUNKED, DILATED
    }

    static AttentionShape dense(boolean causal, long tokens, int heads, int dim, boolean backward) {
        return new AttentionShape(Pattern.DENSE, causal, 1, tokens, heads, dim, dim, List.of(new Branch(tokens, 1)), backward,
                DType.F32);
    }

    static AttentionShape chunked(long chunk, long tokens, int heads, int dim, int valueDim, boolean backward) {
        return new AttentionShape(Pattern.CHUNKED, true, 1, tokens, heads, dim, valueDim, List.of(new Branch(chunk, 1)),
                backward, DType.F32);
    }

    static AttentionShape dilated(List<Branch> branches, long tokens, int heads, int dim, boolean backward) {
        return new AttentionShape(Pattern.DILATED, true, 1, tokens, heads, dim, dim, branches, backward, DType.F32);
    }

    AttentionShape withBatch(long sequences) {
        return new AttentionShape(pattern, causal, sequences, tokens, heads, dim, valueDim, branches, backward, dtype);
    }

    /** As the words behind a problem's own say: {@code bf16}, or nothing. */
    AttentionShape stored(String... words) {
        if (words.length == 0) {
            return this;
        }
        if (words.length > 1 || !words[0].equals("bf16")) {
            throw new IllegalArgumentException("what follows must be bf16: words=" + List.of(words));
        }
        return new AttentionShape(pattern, causal, batch, tokens, heads, dim, valueDim, branches, backward, DType.BF16);
    }

    double scale() {
        return 1 / Math.sqrt(dim);
    }

    /** Which row of a segment a head starts with: torchscale's contiguous groups of heads. */
    long phase(int head, Branch branch) {
        return head / Math.ceilDiv(heads, branch.dilation());
    }

    /** The keys that a query sees, as often as branches show them. */
    void forEachKey(long query, int head, LongConsumer key) {
        for (Branch branch : branches) {
            long start = query / branch.segment() * branch.segment();
            long phase = phase(head, branch);
            if ((query - start) % branch.dilation() == phase) {
                long end = causal ? query + 1 : Math.min(start + branch.segment(), tokens);
                for (long s = start + phase; s < end; s += branch.dilation()) {
                    key.accept(s);
                }
            }
        }
    }

    /** {@code 2 (D + Dv)} a visible pair of query and key; the way back has five products for the forward's two. */
    double gigaflop() {
        double perPair = 2.0 * (dim + valueDim) + (backward ? 2.0 * (3 * dim + 2 * valueDim) : 0);
        return 1e-9 * batch * perPair * pairs();
    }

    private double pairs() {
        double pairs = 0;
        for (Branch branch : branches) {
            for (int head = 0; head < heads; head++) {
                for (long start = 0; start < tokens; start += branch.segment()) {
                    double rows = Math.max(0, Math.ceilDiv(Math.min(branch.segment(), tokens - start) - phase(head, branch),
                            branch.dilation()));
                    pairs += causal ? rows * (rows + 1) / 2 : rows * rows;
                }
            }
        }
        return pairs;
    }

    @Override
    public String toString() {
        String name = switch (pattern) {
            case DENSE -> causal ? "causal" : "full";
            case CHUNKED -> "chunks of " + branches.getFirst().segment();
            case DILATED -> "dilated";
        };
        return String.format(Locale.ROOT, "%s %sN=%d H=%d D=%s %s%s", name, batch == 1 ? "" : "B=" + batch + " ", tokens, heads,
                dim == valueDim ? Integer.toString(dim) : dim + "/" + valueDim, backward ? "fwd+bwd" : "fwd",
                dtype == DType.F32 ? "" : " bf16");
    }
}
