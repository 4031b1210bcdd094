package dev.longspan.kernel.vector;

import static dev.longspan.kernel.ScanPlan.BLOCK;
import static dev.longspan.kernel.vector.Lanes.LANES;
import static dev.longspan.kernel.vector.Lanes.SPECIES;

import dev.longspan.kernel.ScanPlan;
import dev.longspan.parallel.Parallel;
import dev.longspan.parallel.Scratch;
import dev.longspan.tensor.Tensor;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import org.jspecify.annotations.Nullable;

/** {@code sₜ = q⊙sₜ₋₁ + xₜ}, {@code yₜ = Σₙ Re(c⊙sₜ) + ω⊙xₜ}, a block of steps at a time, modes within, lanes = channels. */
final class CemaForward {

    private static final int TABLE = 0;
    private static final int STATES = 3;
    private static final int BEFORE = 4;
    private static final int X = 5;
    private static final int Y = 6;

    private final ScanPlan plan;
    private final Tensor q;
    private final Tensor c;
    private final CemaRows x;
    private final CemaRows y;
    private final Channels omega;
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
        this.omega = new Channels(omega.reshape(x.size(2)));
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
        CemaTable table = new CemaTable(q, c, first, vectors, rows, scratch, TABLE);
        int state = table.groups * CemaSteps.STATE;
        float[] s = scratch.floats(STATES, vectors * state);
        float[] before = scratch.floats(BEFORE, 2 * CemaSteps.STATE);
        float[] xs = scratch.floats(X, CemaRows.LENGTH);
        float[] ys = scratch.floats(Y, CemaRows.LENGTH);
        CemaStates states = new CemaStates(modes);
        for (int v = 0; v < vectors; v++) {
            states.load(start, b, first + (long) v * LANES, s, v * state, state);
        }
        Pieces pieces = new Pieces(plan.resets(b, rows), scratch);
        int step = plan.reversed() ? -1 : 1;
        for (long from = 0; from < rows; from += BLOCK) {
            int steps = (int) Math.min(BLOCK, rows - from);
            pieces.cut(from, steps);
            long row = b * rows + plan.row(from, rows);
            x.load(row, step, steps, first, vectors, xs);
            for (int v = 0; v < vectors; v++) {
                long d = first + (long) v * LANES;
                if (kept != null) {
                    states.keep(kept, b * ScanPlan.blocks(rows) + from / BLOCK, d, s, v * state);
                }
                scale(omega.load(0, d), xs, ys, v * LANES, steps);
                for (int group = 0; group < table.groups; group += 2) {
                    steps(table, v, group, pieces, before, s, v * state + group * CemaSteps.STATE, xs, ys, v * LANES);
                }
            }
            y.store(row, step, steps, first, vectors, ys);
        }
        for (int v = 0; v < vectors; v++) {
            states.store(last, b, first + (long) v * LANES, s, v * state);
        }
    }

    private static void steps(CemaTable table, int v, int group, Pieces pieces, float[] before, float[] s, int so, float[] xs,
            float[] ys, int xo) {
        for (int piece = 0; piece < pieces.count(); piece++) {
            if (pieces.isFresh(piece)) {
                Arrays.fill(s, so, so + 2 * CemaSteps.STATE, 0f);
            }
            table.forward(pieces.from(piece), pieces.to(piece), v, group, before, s, so, xs, ys, xo);
        }
    }

    /** {@code to = factor ⊙ from}: one vector of each row. */
    private static void scale(FloatVector factor, float[] from, float[] to, int at, int rows) {
        for (int i = at; i < at + rows * CemaSteps.ROW; i += CemaSteps.ROW) {
            factor.mul(FloatVector.fromArray(SPECIES, from, i)).intoArray(to, i);
        }
    }
}
