package dev.longspan.kernel;

import java.util.ArrayList;
import java.util.List;

/**
 * Which keys a query may see, as branches of {@link AttentionTask}s. Branches are merged by their log-sum-exp, so a key
 * that several branches show is counted several times. Within one branch and head, tasks share neither query nor key rows.
 */
public sealed interface AttentionPattern {

    /** Number of branches. */
    default int branches() {
        return 1;
    }

    /**
     * Tasks of a branch for one head. Query row i stands at position {@code firstQuery + i}; unless a pattern says
     * otherwise key row j stands at position j.
     */
    List<AttentionTask> tasks(int branch, int head, int heads, long firstQuery, long queries, long keys, boolean causal);

    /** First position that a query at {@code position} sees within its task. */
    default long lower(int branch, long position) {
        return 0;
    }

    /** First position beyond those that a query at {@code position} sees within its task. */
    default long upper(int branch, long position) {
        return Long.MAX_VALUE;
    }

    /** Every key. */
    record Dense() implements AttentionPattern {
        @Override
        public List<AttentionTask> tasks(int branch, int head, int heads, long firstQuery, long queries, long keys,
                boolean causal) {
            return List.of(AttentionTask.of(Rows.range(0, queries), Rows.range(0, keys)));
        }
    }

    /** The keys of the query's own chunk of {@code chunk} positions. MEGALODON, arXiv 2404.08801, 3.4. */
    record Chunked(long chunk) implements AttentionPattern {
        public Chunked {
            positive("chunk", chunk);
        }

        @Override
        public List<AttentionTask> tasks(int branch, int head, int heads, long firstQuery, long queries, long keys,
                boolean causal) {
            return segments(chunk, 1, 0, firstQuery, queries, keys, false);
        }
    }

    /** Blocks of {@code block} positions; a query sees its own block and {@code before} blocks in front, {@code after} behind. */
    record BlockLocal(long block, long before, long after) implements AttentionPattern {
        public BlockLocal {
            positive("block", block);
            if (before < 0 || after < 0) {
                throw new IllegalArgumentException("before and after must not be negative: before=" + before
                        + ", after=" + after);
            }
        }

        @Override
        public List<AttentionTask> tasks(int branch, int head, int heads, long firstQuery, long queries, long keys,
                boolean causal) {
            return List.of(AttentionTask.of(Rows.range(0, queries), Rows.range(0, keys)));
        }

        @Override
        public long lower(int branch, long position) {
            return Math.max(0, position / block - before) * block;
        }

        @Override
        public long upper(int branch, long position) {
            return (position / block + after + 1) * block;
        }
    }

    /**
     * Sparse Transformer's fixed pattern: the own block of {@code block} positions, and of every earlier block the
     * {@code summary} positions of this head, {@code [block − (h+1)·summary, block − h·summary)}, wrapping round.
     * Child et al., arXiv 1904.10509, as the LongNet paper sets it up. Causal.
     */
    record FixedSparse(long block, long summary) implements AttentionPattern {
        public FixedSparse {
            positive("block", block);
            positive("summary", summary);
            if (summary > block) {
                throw new IllegalArgumentException("summary must not exceed block: summary=" + summary + ", block=" + block);
            }
        }

        @Override
        public int branches() {
            return 2;
        }

        @Override
        public List<AttentionTask> tasks(int branch, int head, int heads, long firstQuery, long queries, long keys,
                boolean causal) {
            if (!causal) {
                throw new IllegalArgumentException("fixed-sparse attention must be causal");
            }
            if (branch == 0) {
                return segments(block, 1, 0, firstQuery, queries, keys, false);
            }
            long slot = head % (block / summary);
            long start = block - (slot + 1) * summary;
            long blocks = Math.ceilDiv(keys, block);
            Rows all = new Rows(start, summary, block, blocks * summary);
            Rows present = new Rows(start, summary, block, all.countBefore(keys));
            return present.count() == 0 ? List.of() : List.of(AttentionTask.of(Rows.range(0, queries), present));
        }

        @Override
        public long upper(int branch, long position) {
            return branch == 0 ? Long.MAX_VALUE : position / block * block;
        }
    }

    /** One (segment length, dilation ratio) pair of dilated attention. */
    record Branch(long segment, long dilation) {
        public Branch {
            positive("segment", segment);
            positive("dilation", dilation);
            if (dilation > segment) {
                throw new IllegalArgumentException("dilation must not exceed segment: dilation=" + dilation
                        + ", segment=" + segment);
            }
        }
    }

    /** Which phase of a dilation a head keeps. */
    enum HeadOffset {
        /** {@code ⌊j / ⌈H/r⌉⌋}: contiguous groups of heads, as torchscale and published weights have it. */
        GROUPED,
        /** {@code j mod r}: LongNet, equation 13. */
        MODULO;

        /** Phase of head {@code head} of {@code heads} under dilation {@code dilation}. */
        public long of(int head, int heads, long dilation) {
            return this == MODULO ? head % dilation : head / Math.ceilDiv(heads, dilation);
        }
    }

    /** What becomes of the zero rows that fill the last segment up to its length, where attention is not causal. */
    enum PadKeys {
        /** They count in the softmax with score 0 and value 0: torchscale. */
        COUNT,
        /** They are not there: the paper. */
        MASK
    }

    /**
     * LongNet's dilated attention (arXiv 2307.02486): in each branch the sequence is cut into segments and head j keeps
     * every {@code dilation}-th row of a segment from its phase on, counted from the segment's start.
     */
    record Dilated(List<Branch> schedule, HeadOffset offset, PadKeys pads) implements AttentionPattern {
        public Dilated {
            schedule = List.copyOf(schedule);
            if (schedule.isEmpty()) {
                throw new IllegalArgumentException("schedule must have at least one branch");
            }
        }

        @Override
        public int branches() {
            return schedule.size();
        }

        @Override
        public List<AttentionTask> tasks(int branch, int head, int heads, long firstQuery, long queries, long keys,
                boolean causal) {
            Branch b = schedule.get(branch);
            long phase = offset.of(head, heads, b.dilation);
            // A causal row never looks beyond itself, so only there may a segment be longer than the sequence.
            long segment = causal ? b.segment : Math.min(b.segment, keys);
            return segments(segment, b.dilation, phase, firstQuery, queries, keys, !causal && pads == PadKeys.COUNT);
        }
    }

    /**
     * One branch of {@link Dilated} whose keys are stored without gaps, as a bounded cache holds them: key row t of head j
     * stands at position {@code segmentStart + phase + t · dilation}. Queries must lie in that segment.
     */
    record CompactDilated(Branch branch, HeadOffset offset, long segmentStart) implements AttentionPattern {
        @Override
        public List<AttentionTask> tasks(int ignored, int head, int heads, long firstQuery, long queries, long keys,
                boolean causal) {
            long phase = offset.of(head, heads, branch.dilation);
            long first = segmentStart + phase;
            Rows q = stridedWithin(first, branch.dilation, firstQuery, firstQuery + queries);
            long stored = Math.min(keys, Rows.strided(first, branch.dilation, Long.MAX_VALUE).countBefore(firstQuery + queries));
            return q.count() == 0 || stored == 0 ? List.of() : List.of(new AttentionTask(
                    Rows.strided(q.start() - firstQuery, q.period(), q.count()), Rows.range(0, stored),
                    Rows.strided(first, branch.dilation, stored), 0));
        }
    }

    private static List<AttentionTask> segments(long segment, long dilation, long phase, long firstQuery, long queries,
            long keys, boolean countPads) {
        List<AttentionTask> tasks = new ArrayList<>();
        if (phase >= segment) {
            return tasks;
        }
        for (long start = firstQuery / segment * segment; start < firstQuery + queries; start += segment) {
            long end = start + segment;
            Rows q = stridedWithin(start + phase, dilation, Math.max(start, firstQuery), Math.min(end, firstQuery + queries));
            Rows k = stridedWithin(start + phase, dilation, start, Math.min(end, keys));
            if (q.count() > 0 && (k.count() > 0 || countPads)) {
                long pads = countPads ? Math.ceilDiv(segment, dilation) - k.count() : 0;
                tasks.add(new AttentionTask(Rows.strided(q.start() - firstQuery, dilation, q.count()), k, k, pads));
            }
        }
        return tasks;
    }

    /** Members of {@code first, first + stride, …} within [from, to). */
    private static Rows stridedWithin(long first, long stride, long from, long to) {
        long start = first >= from ? first : first + Math.ceilDiv(from - first, stride) * stride;
        return Rows.strided(start, stride, Math.max(0, Math.ceilDiv(to - start, stride)));
    }

    private static void positive(String name, long value) {
        if (value <= 0) {
            throw new IllegalArgumentException(name + " must be positive: " + name + "=" + value);
        }
    }
}
