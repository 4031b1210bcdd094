package dev.longspan.nn;

import dev.longspan.autograd.Pass;
import dev.longspan.kernel.AttentionPattern;
import dev.longspan.kernel.AttentionPattern.Branch;
import dev.longspan.kernel.AttentionPattern.CompactDilated;
import dev.longspan.kernel.AttentionPattern.HeadOffset;
import dev.longspan.kernel.AttentionPlan;
import dev.longspan.op.Attention;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Of each branch, the rows of the segment in hand that a head keeps: row t of head h stands at position
 * {@code segmentStart + phase(h) + t · dilation}. At most {@code Σ ⌈w/r⌉} rows a head however long the sequence, in pages
 * that are allocated when first needed. Dense attention is one branch whose only segment never ends, chunked attention one
 * without dilation.
 */
public final class SegmentCache implements KeyValueCache {

    public static final long PAGE_ROWS = 1024;

    private final TensorArena arena;
    private final List<Branch> schedule;
    private final HeadOffset offset;
    private final DType dtype;
    private final Shape shape;
    private final List<List<Page>> pages;

    /** Sequences, heads, and elements of a key and of a value in one head. */
    public record Shape(long batch, int heads, int keyDim, int valueDim) {
    }

    /** Keys [B, rows, H, D] and values [B, rows, H, Dv] of some rows. */
    private record Page(Tensor keys, Tensor values) {
    }

    private SegmentCache(TensorArena arena, List<Branch> schedule, HeadOffset offset, DType dtype, Shape shape) {
        this.arena = arena;
        this.schedule = schedule;
        this.offset = offset;
        this.dtype = dtype;
        this.shape = shape;
        this.pages = schedule.stream().<List<Page>>map(branch -> new ArrayList<>()).toList();
    }

    /** An empty cache for {@link AttentionPattern.Dilated}. */
    public static SegmentCache dilated(TensorArena arena, AttentionPattern.Dilated pattern, DType dtype, Shape shape) {
        return new SegmentCache(arena, pattern.schedule(), pattern.offset(), dtype, shape);
    }

    /** An empty cache for {@link AttentionPattern.Chunked}. */
    public static SegmentCache chunked(TensorArena arena, long chunk, DType dtype, Shape shape) {
        return new SegmentCache(arena, List.of(new Branch(chunk, 1)), HeadOffset.GROUPED, dtype, shape);
    }

    /** An empty cache for {@link AttentionPattern.Dense}. */
    public static SegmentCache dense(TensorArena arena, DType dtype, Shape shape) {
        return chunked(arena, Long.MAX_VALUE / 4, dtype, shape);
    }

    @Override
    public Tensor attend(Pass pass, AttentionPlan plan, SelfAttention.Heads rows, long position) {
        Tensor q = rows.queries();
        Tensor seen = pass.zeros(q.dtype(), q.size(0), q.size(1), q.size(2), shape.valueDim);
        long end = position + q.size(1);
        for (long from = position; from < end;) {
            long to = Math.min(end, nextBoundary(from));
            Tensor lse = pass.allocate(q.dtype(), q.size(0), q.size(2), to - from);
            pass.kernels().elementwise().fill(pass.parallel(), lse, Double.NEGATIVE_INFINITY);
            Tensor piece = q.slice(1, from - position, to - position);
            for (int i = 0; i < schedule.size(); i++) {
                store(i, rows, from, to, position);
                attend(pass, plan.withFirstQuery(from), i, piece, to, seen.slice(1, from - position, to - position), lse);
            }
            from = to;
        }
        return seen;
    }

    /** The first position beyond {@code from} at which a segment of any branch begins. */
    private long nextBoundary(long from) {
        return schedule.stream().mapToLong(b -> (from / b.segment() + 1) * b.segment()).min().orElseThrow();
    }

    private void attend(Pass pass, AttentionPlan plan, int branch, Tensor queries, long to, Tensor seen, Tensor lse) {
        Branch b = schedule.get(branch);
        long pageSpan = pageRows(b) * b.dilation();
        long start = plan.firstQuery() / b.segment() * b.segment();
        for (Page page : pages.get(branch)) {
            if (start < to) {
                AttentionPattern stored = new CompactDilated(b, offset, start);
                Attention.merge(pass, withPattern(plan, stored), queries, page.keys, page.values, seen, lse);
            }
            start += pageSpan;
        }
    }

    private static AttentionPlan withPattern(AttentionPlan plan, AttentionPattern pattern) {
        return new AttentionPlan(pattern, true, plan.scale(), plan.firstQuery(), plan.blockwise(), plan.gradient(), null, null,
                plan.decay(), null);
    }

    private void store(int branch, SelfAttention.Heads rows, long from, long to, long position) {
        Branch b = schedule.get(branch);
        long start = from / b.segment() * b.segment();
        int heads = shape.heads;
        // Without dilation all heads keep the same rows, and a row of all heads is copied at once.
        int together = b.dilation() == 1 ? heads : 1;
        for (int head = 0; head < heads; head += together) {
            long first = start + offset.of(head, heads, b.dilation());
            long t = Math.max(0, Math.ceilDiv(from - first, b.dilation()));
            long end = Math.max(t, Math.ceilDiv(to - first, b.dilation()));
            for (long rowsOfPage = pageRows(b); t < end;) {
                long count = Math.min(end - t, rowsOfPage - t % rowsOfPage);
                Page page = page(branch, t);
                long row = first + t * b.dilation() - position;
                copy(rows.keys(), row, b.dilation(), page.keys, t % rowsOfPage, count, head, together);
                copy(rows.values(), row, b.dilation(), page.values, t % rowsOfPage, count, head, together);
                t += count;
            }
        }
    }

    /** {@code count} rows of {@code heads} heads, from each {@code step}-th row to neighbours. */
    private static void copy(Tensor from, long fromRow, long step, Tensor to, long toRow, long count, int head, int heads) {
        part(to, toRow, 1, count, head, heads).copyFrom(part(from, fromRow, step, count, head, heads));
    }

    private static Tensor part(Tensor t, long row, long step, long count, int head, int heads) {
        return Tensor.of(t.storage(), t.offset() + row * t.stride(1) + head * t.stride(2), t.dtype(),
                new long[] {t.size(0), count, heads, t.size(3)},
                new long[] {t.stride(0), step * t.stride(1), t.stride(2), t.stride(3)});
    }

    private Page page(int branch, long row) {
        List<Page> list = pages.get(branch);
        long rows = pageRows(schedule.get(branch));
        while (list.size() <= row / rows) {
            long left = keptRows(schedule.get(branch)) - list.size() * rows;
            list.add(new Page(page(Math.min(rows, left), shape.keyDim), page(Math.min(rows, left), shape.valueDim)));
        }
        return list.get(Math.toIntExact(row / rows));
    }

    private Tensor page(long rows, int dim) {
        return arena.allocate(dtype, shape.batch, rows, shape.heads, dim);
    }

    private static long pageRows(Branch branch) {
        return Math.min(PAGE_ROWS, keptRows(branch));
    }

    private static long keptRows(Branch branch) {
        return Math.ceilDiv(branch.segment(), branch.dilation());
    }

    @Override
    public Map<String, Tensor> tensors() {
        Map<String, Tensor> named = new LinkedHashMap<>();
        for (int i = 0; i < pages.size(); i++) {
            for (int n = 0; n < pages.get(i).size(); n++) {
                named.put(name(i, n, "keys"), pages.get(i).get(n).keys);
                named.put(name(i, n, "values"), pages.get(i).get(n).values);
            }
        }
        return named;
    }

    @Override
    public KeyValueCache fresh(TensorArena into, long batch) {
        return new SegmentCache(into, schedule, offset, dtype,
                new Shape(batch, shape.heads, shape.keyDim, shape.valueDim));
    }

    @Override
    public void fill(SavedState saved, long position, int... rows) {
        for (int i = 0; i < schedule.size(); i++) {
            Branch b = schedule.get(i);
            // The first head keeps the first row of each segment, and pages stay once they are there.
            long kept = Math.ceilDiv(Math.min(position, b.segment()), b.dilation());
            for (int n = 0; n * pageRows(b) < kept; n++) {
                saved.tensor(name(i, n, "keys")); // before memory is taken
                Page page = page(i, n * pageRows(b));
                saved.copy(name(i, n, "keys"), page.keys, rows);
                saved.copy(name(i, n, "values"), page.values, rows);
            }
        }
    }

    private static String name(int branch, int page, String what) {
        return "branches." + branch + "." + page + "." + what;
    }
}
