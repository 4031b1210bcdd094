package dev.longspan.kernel.vector;

import dev.longspan.kernel.AttentionPattern;
import dev.longspan.kernel.AttentionPlan;
import dev.longspan.kernel.vector.TaskList.Entry;
import dev.longspan.parallel.Parallel;
import dev.longspan.parallel.Scratch;
import dev.longspan.tensor.Tensor;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The gradients of one task: weights are computed again from the final log-sum-exp, so that branches need no results of
 * their own, {@code dV += Pᵀ dOut}, {@code dS = P ∘ (dOut Vᵀ − δ)}, {@code dQ += scale · dS K}, {@code dK += scale ·
 * dSᵀ Q}.
 * Groups of key blocks come first and query blocks second. Dao, arXiv 2307.08691.
 */
final class AttentionBackward {

    // Scratch slots.
    private static final int QUERIES = 0;
    private static final int STAGE = 1;
    private static final int KEYS = 2;
    private static final int VALUES = 3;
    private static final int TILE = 4;
    private static final int D_TILE = 5;
    private static final int QUERY_SLAB = 6;
    private static final int D_OUT = 7;
    private static final int D_OUT_SLAB = 8;
    private static final int D_QUERIES = 9;
    private static final int D_KEYS = 10;
    private static final int D_VALUES = 11;
    private static final int LSE = 12;
    private static final int DELTA = 13;
    private static final int FACTORS = 14;
    private static final int DECAYED_KEYS = 15;

    private final AttentionPlan plan;
    private final int heads;
    private final HeadRows[] q;
    private final HeadRows[] k;
    private final HeadRows[] v;
    private final QueryState state;
    private final HeadRows[] dq;
    private final HeadRows[] dk;
    private final HeadRows[] dv;
    private final int group;

    AttentionBackward(AttentionPlan plan, Tensor q, Tensor k, Tensor v, QueryState state, Tensor dq, Tensor dk,
            Tensor dv) {
        this.plan = plan;
        heads = Math.toIntExact(q.size(2));
        this.q = HeadRows.all(q);
        this.k = HeadRows.all(k);
        this.v = HeadRows.all(v);
        this.state = state;
        this.dq = HeadRows.sums(dq);
        this.dk = HeadRows.sums(dk);
        this.dv = HeadRows.sums(dv);
        group = AttentionForward.group(Math.toIntExact(q.size(3)), Math.toIntExact(v.size(3)));
    }

    /**
     * A task is one item, so that nobody else adds to its rows. Too few of them for the team are split twice, by keys and
     * by queries, at the price of computing scores twice; sums keep their order, and with it their bits.
     */
    void run(Parallel parallel, TaskList tasks) {
        if (tasks.count() >= parallel.threads()) {
            tasks.forEachKeyGroup(parallel, Integer.MAX_VALUE, (entry, batch, from, to, scratch) ->
                    new Part(entry, batch, scratch, true, true).run(from, to, 0, entry.queries().count()));
        } else {
            tasks.forEachKeyGroup(parallel, group, (entry, batch, from, to, scratch) ->
                    new Part(entry, batch, scratch, true, false).run(from, to, 0, entry.queries().count()));
            tasks.forEachQueryGroup(parallel, group, (entry, batch, from, to, scratch) ->
                    new Part(entry, batch, scratch, false, true).run(0, entry.keys().count(), from, to));
        }
    }

    /** One work item. */
    private final class Part {
        private final Entry entry;
        private final boolean keysToo;
        private final boolean queriesToo;
        private final int head;
        private final HeadRows queries;
        private final HeadRows keys;
        private final HeadRows values;
        private final HeadRows dOuts;
        private final long batch;
        private final int dim;
        private final int valueDim;
        private final int keyLength;
        private final int valueLength;
        private final float[] panels;
        private final float[] stage;
        private final float[] keySlabs;
        private final float[] valueSlabs;
        private final float[] tile;
        private final float[] dTile;
        private final float[] querySlab;
        private final float[] dOutPanels;
        private final float[] dOutSlab;
        private final float[] dQueries;
        private final float[] dKeys;
        private final float[] dValues;
        private final float[] lse;
        private final float[] delta;
        private final float[] decayedKeys;
        private final DecayFactors decay;
        private final Visibility visible;
        /** Whether all the keys that are here lie in one block. */
        private final boolean oneBlock;

        Part(Entry entry, long batch, Scratch scratch, boolean keysToo, boolean queriesToo) {
            this.entry = entry;
            this.batch = batch;
            this.keysToo = keysToo;
            this.queriesToo = queriesToo;
            head = Math.toIntExact(batch * heads) + entry.head();
            queries = q[head];
            keys = k[head];
            values = v[head];
            dOuts = state.dOuts(head);
            dim = queries.dim();
            valueDim = values.dim();
            keyLength = Packing.slabLength(dim);
            valueLength = Packing.slabLength(valueDim);
            panels = scratch.floats(QUERIES, Tiles.BLOCK * dim);
            stage = scratch.floats(STAGE, Tiles.COLS * Math.max(dim, valueDim));
            keySlabs = scratch.floats(KEYS, group * keyLength);
            valueSlabs = scratch.floats(VALUES, group * valueLength);
            tile = scratch.floats(TILE, ScoreTile.SIZE);
            dTile = scratch.floats(D_TILE, ScoreTile.SIZE);
            querySlab = scratch.floats(QUERY_SLAB, keyLength);
            dOutPanels = scratch.floats(D_OUT, Tiles.BLOCK * valueDim);
            dOutSlab = scratch.floats(D_OUT_SLAB, valueLength);
            dQueries = scratch.floats(D_QUERIES, keyLength);
            dKeys = scratch.floats(D_KEYS, group * keyLength);
            dValues = scratch.floats(D_VALUES, group * valueLength);
            lse = scratch.floats(LSE, Tiles.BLOCK);
            delta = scratch.floats(DELTA, Tiles.BLOCK);
            decayedKeys = plan.decay() == null ? keySlabs : scratch.floats(DECAYED_KEYS, keyLength);
            decay = new DecayFactors(plan, entry, dim, 1, scratch, FACTORS);
            oneBlock = plan.pattern() instanceof AttentionPattern.Dense && entry.keys().count() == 1;
            visible = new Visibility(plan, entry, batch, heads, 1, scratch, 0);
        }

        void run(int firstKeyBlock, int endKeyBlock, int firstQueryBlock, int endQueryBlock) {
            for (int from = firstKeyBlock; from < endKeyBlock; from += group) {
                int to = Math.min(endKeyBlock, from + group);
                for (int block = from; block < to; block++) {
                    Packing.slab(keys, entry.task().keys(), entry.keys().start(block), entry.keys().size(block), null,
                            keySlabs, (block - from) * keyLength);
                    Packing.slab(values, entry.task().keys(), entry.keys().start(block), entry.keys().size(block), null,
                            valueSlabs, (block - from) * valueLength);
                }
                Arrays.fill(dKeys, 0, (to - from) * keyLength, 0f);
                Arrays.fill(dValues, 0, (to - from) * valueLength, 0f);
                int endKey = entry.keys().start(to - 1) + entry.keys().size(to - 1);
                for (int block = firstQueryBlock; block < endQueryBlock; block++) {
                    visible.look(block, 0);
                    if (visible.end(0) > entry.keys().start(from) && visible.first(0) < endKey) {
                        queryBlock(block, from, to);
                    }
                }
                for (int block = from; keysToo && block < to; block++) {
                    Packing.addSlab(dKeys, (block - from) * keyLength, (float) plan.scale(), dk[head],
                            entry.task().keys(), entry.keys().start(block), entry.keys().size(block));
                    Packing.addSlab(dValues, (block - from) * valueLength, 1, dv[head],
                            entry.task().keys(), entry.keys().start(block), entry.keys().size(block));
                }
            }
        }

        private void queryBlock(int block, int from, int to) {
            int start = entry.queries().start(block);
            int rows = entry.queries().size(block);
            Packing.columns(dOuts, entry.task().queries(), start, rows, 1, null, dOutPanels, 0, stage);
            if (keysToo) {
                Packing.slab(dOuts, entry.task().queries(), start, rows, null, dOutSlab, 0);
            }
            if (queriesToo) {
                Arrays.fill(dQueries, 0, keyLength, 0f);
            }
            state.load(entry, batch, block, lse, delta);
            decay.forget(0);
            for (int keyBlock = from; keyBlock < to; keyBlock++) {
                int key = entry.keys().start(keyBlock);
                int seen = visible.reach(0, key, entry.keys().size(keyBlock));
                if (seen == 0) {
                    continue;
                }
                if (decay.changes(0, block, keyBlock)) {
                    Packing.columns(queries, entry.task().queries(), start, rows, (float) plan.scale() * Exp2.LOG2_E,
                            decay.factors(), panels, 0, stage);
                    if (keysToo) {
                        Packing.slab(queries, entry.task().queries(), start, rows, decay.factors(), querySlab, 0);
                    }
                }
                int keyAt = (keyBlock - from) * keyLength;
                int valueAt = (keyBlock - from) * valueLength;
                for (int c = 0; c < rows; c += Tiles.COLS) {
                    ScoreTile.multiplyPanel(keySlabs, keyAt, seen, panels, 0, c, dim, tile);
                    visible.hide(0, block, key, seen, c, tile);
                    ScoreTile.multiplyPanel(valueSlabs, valueAt, seen, dOutPanels, 0, c, valueDim, dTile);
                    if (plan.dropout() != null) {
                        visible.drop(plan.dropout(), block, key, seen, c, dTile);
                    }
                    if (oneBlock) {
                        Softmax.centredGradients(tile, dTile, seen, c, lse, delta);
                    } else {
                        Softmax.gradients(tile, dTile, seen, c, lse, delta);
                    }
                }
                if (keysToo) {
                    if (plan.dropout() != null) {
                        for (int c = 0; c < rows; c += Tiles.COLS) {
                            visible.drop(plan.dropout(), block, key, seen, c, tile);
                        }
                    }
                    ScoreTile.addRowsTimes(tile, seen, rows, dOutSlab, valueDim, dValues, valueAt);
                    ScoreTile.addRowsTimes(dTile, seen, rows, querySlab, dim, dKeys, keyAt);
                }
                if (queriesToo) {
                    int decayedAt = keyAt;
                    if (plan.decay() != null) {
                        decayedAt = 0;
                        Packing.slab(keys, entry.task().keys(), key, seen, decay.factors(), decayedKeys, 0);
                    }
                    ScoreTile.addColumnsTimes(dTile, seen, rows, decayedKeys, decayedAt, dim, dQueries);
                }
            }
            if (queriesToo) {
                Packing.addSlab(dQueries, 0, (float) plan.scale(), dq[head],
                        entry.task().queries(), start, rows);
            }
        }
    }
}
