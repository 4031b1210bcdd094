package dev.longspan.kernel.vector;

import static dev.longspan.kernel.ScanPlan.BLOCK;
import static dev.longspan.kernel.vector.Lanes.LANES;

import dev.longspan.kernel.ScanPlan;
import dev.longspan.parallel.Parallel;
import dev.longspan.parallel.Scratch;
import dev.longspan.tensor.Tensor;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * {@code sₜ = q⊙sₜ₋₁ + xₜ}, {@code yₜ = Σₙ Re(c⊙sₜ) + ω⊙xₜ}, lanes = channels, T steps at a time: with the state s before them
 * {@code yₜ = Σₙ Re(qᵗ⁺¹⊙c⊙s) + Σᵢ kᵢ⊙xₜ₋ᵢ} and the next state is {@code qᵀ⊙s + Σᵢ qᵀ⁻¹⁻ⁱ⊙xᵢ}. These are products with powers of q,
 * which wait for nothing: of the steps' own chain there is left one in T, and with it one rounding of the state.
 */
final class CemaForward {

    private static final int TABLE = 0;
    private static final int STATES = 5;
    private static final int X = 6;
    private static final int Y = 7;
    private static final int VALUES = 8;

    private final ScanPlan plan;
    private final Tensor q;
    private final Tensor c;
    private final CemaRows x;
    private final CemaRows y;
    private final Tensor omega;
    private final @Nullable Channels start;
    private final Channels last;
    private final @Nullable KeptStates kept;
    private final long batch;
    private final long rows;
    private final long width;
    private final int modes;

    CemaForward(ScanPlan plan, Tensor x, Tensor q, Tensor c, Tensor omega, @Nullable Tensor start, Tensor y, Tensor last,
            @Nullable Tensor kept) {
        this.plan = plan;
        this.q = q;
        this.c = c;
        this.x = new CemaRows(x);
        this.y = new CemaRows(y);
        this.omega = omega;
        this.start = start == null ? null : new Channels(start);
        this.last = new Channels(last);
        this.kept = kept == null ? null : new KeptStates(kept);
        batch = x.size(0);
        rows = x.size(1);
        width = x.size(2);
        modes = Math.toIntExact(q.size(0));
    }

    void run(Parallel parallel) {
        int vectors = vectors(parallel, width, batch);
        long slices = Math.ceilDiv(width, vectors * LANES);
        parallel.forEach(batch * slices, (item, scratch) ->
                scan(item / slices, item % slices * vectors * LANES, vectors, scratch));
    }

    /**
     * Vectors of channels of a work item: as many as leave every thread one, since narrow slices of long sequences miss what
     * the memory prefetches (1.45 times the time at 64K steps). Channels are independent: the split changes no bits.
     */
    static int vectors(Parallel parallel, long width, long sequences) {
        long all = Math.ceilDiv(width, LANES);
        return (int) Math.clamp(Math.ceilDiv(all * sequences, (long) parallel.threads()), 1, Math.min(all, CemaRows.VECTORS));
    }

    private void scan(long b, long first, int most, Scratch scratch) {
        int vectors = (int) Math.min(most, Math.ceilDiv(width - first, LANES));
        CemaTable table = new CemaTable(plan, rows, q, c, omega, first, vectors, scratch, TABLE);
        int state = modes * 2 * LANES;
        float[] s = scratch.floats(STATES, vectors * state);
        float[] xs = scratch.floats(X, CemaRows.LENGTH);
        float[] ys = scratch.floats(Y, CemaRows.LENGTH);
        float[] values = scratch.floats(VALUES, 2 * modes * CemaStretches.VALUES);
        CemaStates states = new CemaStates(modes);
        for (int v = 0; v < vectors; v++) {
            states.load(start, b, first + (long) v * LANES, s, v * state);
        }
        Pieces pieces = new Pieces(plan.resets(b, rows), scratch);
        int step = plan.reversed() ? -1 : 1;
        for (long from = 0; from < rows; from += BLOCK) {
            int steps = (int) Math.min(BLOCK, rows - from);
            pieces.cut(from, steps);
            long row = b * rows + plan.row(from, rows);
            x.load(row, step, steps, first, vectors, xs);
            for (int v = 0; v < vectors; v++) {
                if (kept != null) {
                    states.keep(kept, b * ScanPlan.blocks(rows) + from / BLOCK, first + (long) v * LANES, s, v * state);
                }
                for (int piece = 0; piece < pieces.count(); piece++) {
                    if (pieces.isFresh(piece)) {
                        Arrays.fill(s, v * state, (v + 1) * state, 0f);
                    }
                    forward(table, v, pieces.stretches(piece), pieces.steps(piece), xs, ys,
                            pieces.from(piece) * CemaRows.ROW + v * LANES, values, s, v * state);
                }
            }
            y.store(row, step, steps, first, vectors, ys);
        }
        for (int v = 0; v < vectors; v++) {
            states.store(last, b, first + (long) v * LANES, s, v * state);
        }
    }

    private static void forward(CemaTable table, int v, int count, int steps, float[] x, float[] y, int at, float[] values,
            float[] s, int so) {
        int modes = table.modes;
        CemaStretches.projectBack(modes, count, steps, table.powers, table.powersAt(v, 0), x, at, values, 0);
        CemaStretches.weightedStates(table, v, count, steps, values, s, so);
        CemaStretches.respond(count, steps, true, false, table.response, table.responseAt(v), x, y, at);
        CemaStretches.expand(modes, count, steps, false, table.powers, table.powersAt(v, 1), values, y, at);
    }
}
