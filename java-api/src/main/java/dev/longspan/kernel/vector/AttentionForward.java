package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.LANES;
import static dev.longspan.kernel.vector.Lanes.ORDER;
import static dev.longspan.kernel.vector.Lanes.SPECIES;

import dev.longspan.kernel.AttentionPlan;
import dev.longspan.kernel.vector.TaskList.Entry;
import dev.longspan.parallel.Scratch;
import dev.longspan.tensor.Elements;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/**
 * Some query blocks of a task against all their keys by an online softmax, merged into what earlier branches left. Key
 * blocks come first, so that one packing of a block serves the whole group. Dao et al., arXiv 2205.14135.
 */
final class AttentionForward {

    /** Query blocks that share a packed key block. */
    static final int GROUP = 8;

    // Scratch slots.
    private static final int QUERIES = 0;
    private static final int STAGE = 1;
    private static final int KEYS = 2;
    private static final int VALUES = 3;
    private static final int TILE = 4;
    private static final int OUTPUTS = 5;
    private static final int MAXIMA = 6;
    private static final int SUMS = 7;
    private static final int RESCALE = 8;
    private static final int FACTORS = 9;

    private final AttentionPlan plan;
    private final int heads;
    private final HeadRows[] q;
    private final HeadRows[] k;
    private final HeadRows[] v;
    private final HeadRows[] out;
    private final Tensor lse;

    AttentionForward(AttentionPlan plan, Tensor q, Tensor k, Tensor v, Tensor out, Tensor lse) {
        this.plan = plan;
        heads = Math.toIntExact(q.size(2));
        this.q = HeadRows.all(q);
        this.k = HeadRows.all(k);
        this.v = HeadRows.all(v);
        this.out = HeadRows.all(out);
        this.lse = lse;
        Floats.memory(lse);
    }

    /** Fewer blocks a group where long rows would fill the scratch. */
    static int group(int dim, int valueDim) {
        return Math.clamp(GROUP * 256 / Math.max(1, dim + valueDim), 1, GROUP);
    }

    void run(Entry entry, long batch, int from, int to, Scratch scratch) {
        int head = Math.toIntExact(batch * heads) + entry.head();
        HeadRows queries = q[head];
        HeadRows keys = k[head];
        HeadRows values = v[head];
        if (OneQuery.is(plan, entry)) {
            OneQuery.Result one = new OneQuery(plan, entry, batch).run(queries, keys, values,
                    new DecayFactors(plan, entry, queries.dim(), 1, scratch, FACTORS), scratch);
            merge(entry, batch, entry.task().queries().at(0), one.max(), one.sum(), one.output(), 0, 0,
                    out[head]);
            return;
        }
        int blocks = to - from;
        int dim = queries.dim();
        int valueDim = values.dim();
        int panelLength = Tiles.BLOCK * dim;
        int slabLength = Packing.slabLength(valueDim);
        float[] panels = scratch.floats(QUERIES, blocks * panelLength);
        float[] stage = scratch.floats(STAGE, Tiles.COLS * dim);
        float[] keySlab = scratch.floats(KEYS, Packing.slabLength(dim));
        float[] valueSlab = scratch.floats(VALUES, slabLength);
        float[] tile = scratch.floats(TILE, ScoreTile.SIZE);
        float[] outputs = scratch.floats(OUTPUTS, blocks * slabLength);
        float[] max = scratch.floats(MAXIMA, blocks * Tiles.BLOCK);
        float[] sum = scratch.floats(SUMS, blocks * Tiles.BLOCK);
        float[] rescale = scratch.floats(RESCALE, Tiles.BLOCK);
        Arrays.fill(outputs, 0, blocks * slabLength, 0f);
        Arrays.fill(max, 0, blocks * Tiles.BLOCK, ScoreTile.HIDDEN);
        Arrays.fill(sum, 0, blocks * Tiles.BLOCK, 0f);
        DecayFactors decay = new DecayFactors(plan, entry, dim, blocks, scratch, FACTORS);
        Visibility visible = new Visibility(plan, entry, batch, heads, blocks, scratch, 0);
        int firstKey = Integer.MAX_VALUE;
        int endKey = 0;
        for (int g = 0; g < blocks; g++) {
            visible.look(from + g, g);
            firstKey = Math.min(firstKey, visible.first(g));
            endKey = Math.max(endKey, visible.end(g));
        }
        for (int block = entry.keys().holding(firstKey); block < entry.keys().count()
                && entry.keys().start(block) < endKey; block++) {
            int key = entry.keys().start(block);
            int size = entry.keys().size(block);
            Packing.slab(keys, entry.task().keys(), key, size, null, keySlab, 0);
            Packing.slab(values, entry.task().keys(), key, size, null, valueSlab, 0);
            for (int g = 0; g < blocks; g++) {
                int seen = visible.reach(g, key, size);
                if (seen == 0) {
                    continue;
                }
                int rows = entry.queries().size(from + g);
                if (decay.changes(g, from + g, block)) {
                    Packing.columns(queries, entry.task().queries(), entry.queries().start(from + g), rows,
                            (float) plan.scale() * Exp2.LOG2_E, decay.factors(), panels, g * panelLength, stage);
                }
                // A panel at a time: the whole tile is larger than some first-level caches.
                for (int c = 0; c < rows; c += Tiles.COLS) {
                    ScoreTile.multiplyPanel(keySlab, 0, seen, panels, g * panelLength, c, dim, tile);
                    visible.hide(g, from + g, key, seen, c, tile);
                    Softmax.maxima(tile, seen, c, max, g * Tiles.BLOCK, rescale);
                    Softmax.weights(tile, seen, c, max, sum, g * Tiles.BLOCK, rescale);
                    if (plan.dropout() != null) {
                        visible.drop(plan.dropout(), from + g, key, seen, c, tile);
                    }
                }
                for (int d = 0; d < valueDim; d += Tiles.COLS) {
                    for (int i = 0; i < rows; i += Tiles.ROWS) {
                        Tiles.valueRescaled(seen, tile, i, valueSlab, Packing.place(0, d), outputs,
                                g * slabLength + Packing.place(i, d), rescale, i);
                    }
                }
            }
        }
        HeadRows outs = out[head];
        for (int g = 0; g < blocks; g++) {
            for (int i = 0; i < entry.queries().size(from + g); i++) {
                long row = entry.task().queries().at(entry.queries().start(from + g) + i);
                merge(entry, batch, row, max[g * Tiles.BLOCK + i], sum[g * Tiles.BLOCK + i], outputs, g * slabLength, i,
                        outs);
            }
        }
    }

    /** One query's result joins what its row holds: both are weighted by their share of the sum of exponentials. */
    private void merge(Entry entry, long batch, long row, float max, float sum, float[] outputs, int at, int i,
            HeadRows outs) {
        long pads = entry.task().padKeys();
        if (max == ScoreTile.HIDDEN && pads == 0 && !Float.isNaN(sum)) {
            return; // no key: the sum is of hidden ones
        }
        double top = max * Exp2.LN_2;
        double total = max == ScoreTile.HIDDEN && !Float.isNaN(sum) ? 0 : sum;
        double own = pads == 0 ? top + Math.log(total)
                : Math.max(top, 0) + Math.log(total * Math.exp(Math.min(top, 0)) + pads * Math.exp(-Math.max(top, 0)));
        long lseAt = (lse.offset() + batch * lse.stride(0) + entry.head() * lse.stride(1) + row * lse.stride(2)) * 4;
        float earlier = lse.segment().get(ValueLayout.JAVA_FLOAT, lseAt);
        double merged = own;
        float keep = 0;
        if (earlier != Float.NEGATIVE_INFINITY) {
            double greater = Math.max(own, earlier);
            merged = greater + Math.log(Math.exp(own - greater) + Math.exp(earlier - greater));
            keep = (float) Math.exp(earlier - merged);
        }
        float share = total == 0 ? 0 : (float) Math.exp(top - merged);
        lse.segment().set(ValueLayout.JAVA_FLOAT, lseAt, (float) merged);
        long to = outs.at(row);
        if (outs.half()) {
            mergeHalves(outs, to, keep, outputs, at, i, share);
            return;
        }
        for (int d = 0; d < outs.dim(); d += LANES) {
            VectorMask<Float> in = Lanes.first(outs.dim() - d);
            FloatVector o = FloatVector.fromArray(SPECIES, outputs, at + Packing.place(i, d)).mul(share);
            if (keep != 0) {
                o = FloatVector.fromMemorySegment(SPECIES, outs.memory(), (to + d) * 4, ORDER, in).fma(
                        FloatVector.broadcast(SPECIES, keep), o);
            }
            o.intoMemorySegment(outs.memory(), (to + d) * 4, ORDER, in);
        }
    }

    private static void mergeHalves(HeadRows outs, long to, float keep, float[] outputs, int at, int i, float share) {
        for (int d = 0; d < outs.dim(); d++) {
            float own = outputs[at + Packing.place(i, d)] * share;
            float merged = keep == 0 ? own : Math.fma(Packing.get(outs.memory(), true, to + d), keep, own);
            outs.memory().set(ValueLayout.JAVA_SHORT_UNALIGNED, (to + d) * 2, Elements.floatToBf16(merged));
        }
    }
}
