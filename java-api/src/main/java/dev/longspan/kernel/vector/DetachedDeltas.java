package dev.longspan.kernel.vector;

import dev.longspan.kernel.AttentionPlan;
import dev.longspan.kernel.vector.TaskList.Entry;
import dev.longspan.parallel.Scratch;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * {@code δᵢ = Σₖ P dP / Σₖ P} of one branch alone, dropout in dP only: what dOut · Oᵢ would be, without having kept
 * the branch's own output Oᵢ.
 */
final class DetachedDeltas {

    // Scratch slots.
    private static final int QUERIES = 0;
    private static final int STAGE = 1;
    private static final int KEYS = 2;
    private static final int VALUES = 3;
    private static final int TILE = 4;
    private static final int D_TILE = 5;
    private static final int D_OUT = 7;
    private static final int LSE = 12;
    private static final int DELTA = 13;
    private static final int FACTORS = 14;
    private static final int SUMS = 16;
    private static final int DOTS = 17;

    private final AttentionPlan plan;
    private final int heads;
    private final HeadRows[] q;
    private final HeadRows[] k;
    private final HeadRows[] v;
    private final QueryState state;
    private final MemorySegment deltas;

    DetachedDeltas(AttentionPlan plan, Tensor q, Tensor k, Tensor v, QueryState state, MemorySegment deltas) {
        this.plan = plan;
        heads = Math.toIntExact(q.size(2));
        this.q = HeadRows.all(q);
        this.k = HeadRows.all(k);
        this.v = HeadRows.all(v);
        this.state = state;
        this.deltas = deltas;
    }

    void run(Entry entry, long batch, int from, int to, Scratch scratch) {
        int head = Math.toIntExact(batch * heads) + entry.head();
        HeadRows queries = q[head];
        HeadRows keys = k[head];
        HeadRows values = v[head];
        HeadRows dOuts = state.dOuts(head);
        int dim = queries.dim();
        int valueDim = values.dim();
        float[] panels = scratch.floats(QUERIES, Tiles.BLOCK * dim);
        float[] dOutPanels = scratch.floats(D_OUT, Tiles.BLOCK * valueDim);
        float[] stage = scratch.floats(STAGE, Tiles.COLS * Math.max(dim, valueDim));
        float[] keySlab = scratch.floats(KEYS, Packing.slabLength(dim));
        float[] valueSlab = scratch.floats(VALUES, Packing.slabLength(valueDim));
        float[] tile = scratch.floats(TILE, ScoreTile.SIZE);
        float[] dTile = scratch.floats(D_TILE, ScoreTile.SIZE);
        float[] lse = scratch.floats(LSE, Tiles.BLOCK);
        float[] delta = scratch.floats(DELTA, Tiles.BLOCK);
        float[] sum = scratch.floats(SUMS, Tiles.BLOCK);
        float[] dot = scratch.floats(DOTS, Tiles.BLOCK);
        DecayFactors decay = new DecayFactors(plan, entry, dim, 1, scratch, FACTORS);
        Visibility visible = new Visibility(plan, entry, batch, heads, 1, scratch, 0);
        for (int block = from; block < to; block++) {
            int start = entry.queries().start(block);
            int rows = entry.queries().size(block);
            visible.look(block, 0);
            state.load(entry, batch, block, lse, delta);
            Packing.columns(dOuts, entry.task().queries(), start, rows, 1, null, dOutPanels, 0, stage);
            Arrays.fill(sum, 0, Tiles.BLOCK, 0f);
            Arrays.fill(dot, 0, Tiles.BLOCK, 0f);
            decay.forget(0);
            for (int keyBlock = entry.keys().holding(visible.first(0)); keyBlock < entry.keys().count(); keyBlock++) {
                int key = entry.keys().start(keyBlock);
                int seen = visible.reach(0, key, entry.keys().size(keyBlock));
                if (seen == 0) {
                    break;
                }
                if (decay.changes(0, block, keyBlock)) {
                    Packing.columns(queries, entry.task().queries(), start, rows, (float) plan.scale() * Exp2.LOG2_E,
                            decay.factors(), panels, 0, stage);
                }
                Packing.slab(keys, entry.task().keys(), key, seen, null, keySlab, 0);
                Packing.slab(values, entry.task().keys(), key, seen, null, valueSlab, 0);
                for (int c = 0; c < rows; c += Tiles.COLS) {
                    ScoreTile.multiplyPanel(keySlab, 0, seen, panels, 0, c, dim, tile);
                    visible.hide(0, block, key, seen, c, tile);
                    ScoreTile.multiplyPanel(valueSlab, 0, seen, dOutPanels, 0, c, valueDim, dTile);
                    if (plan.dropout() != null) {
                        visible.drop(plan.dropout(), block, key, seen, c, dTile);
                    }
                    Softmax.finalWeights(tile, seen, c, lse);
                    Softmax.branchSums(tile, dTile, seen, c, sum, dot);
                }
            }
            for (int i = 0; i < rows; i++) {
                // Padded keys have weight 2^-lse each and no value.
                double total = sum[i] + entry.task().padKeys() * Math.exp(-lse[i] * Exp2.LN_2);
                deltas.setAtIndex(ValueLayout.JAVA_FLOAT, state.number(entry, batch, entry.task().queries().at(start + i)),
                        total == 0 ? 0 : (float) (dot[i] / total));
            }
        }
    }
}
