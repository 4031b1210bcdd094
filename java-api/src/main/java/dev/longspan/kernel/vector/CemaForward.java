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

    /** Vectors of channels of a work item: 256 neighbouring bytes of each row with 512 bits. */
    static final int VECTORS = 4;
    private static final int TABLE = 0;
    private static final int STATES = 3;
    private static final int BEFORE = 4;
    private static final int X = 5;
    private static final int Y = 6;

    private final ScanPlan plan;
    private final Tensor q;
    private final Tensor c;
    private final Channels x;
    private final Channels y;
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
        this.x = new Channels(x);
        this.y = new Channels(y);
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
        long slices = Math.ceilDiv(width, VECTORS * LANES);
        parallel.forEach(batch * slices, (item, scratch) -> scan(item / slices, item % slices * VECTORS * LANES, scratch));
    }

    private void scan(long b, long first, Scratch scratch) {
        int vectors = (int) Math.min(VECTORS, Math.ceilDiv(width - first, LANES));
        CemaTable table = new CemaTable(q, c, first, vectors, rows, scratch, TABLE);
        int state = table.groups * CemaSteps.STATE;
        float[] s = scratch.floats(STATES, vectors * state);
        float[] before = scratch.floats(BEFORE, CemaSteps.STATE);
        float[] xs = scratch.floats(X, VECTORS * BLOCK * LANES);
        float[] ys = scratch.floats(Y, VECTORS * BLOCK * LANES);
        CemaStates states = new CemaStates(modes);
        for (int v = 0; v < vectors; v++) {
            states.load(start, b, first + v * LANES, s, v * state, state);
        }
        Pieces pieces = new Pieces(plan.resets(b, rows));
        int step = plan.reversed() ? -1 : 1;
        for (long from = 0; from < rows; from += BLOCK) {
            int steps = (int) Math.min(BLOCK, rows - from);
            pieces.cut(from, steps);
            long row = b * rows + plan.row(from, rows);
            x.load(row, step, steps, first, vectors, BLOCK, xs);
            for (int v = 0; v < vectors; v++) {
                long d = first + v * LANES;
                int xo = v * BLOCK * LANES;
                if (kept != null) {
                    states.keep(kept, b * ScanPlan.blocks(rows) + from / BLOCK, d, s, v * state);
                }
                scale(omega.load(0, d), xs, ys, xo, steps);
                for (int group = 0; group < table.groups; group++) {
                    int at = v * state + group * CemaSteps.STATE;
                    for (int piece = 0; piece < pieces.count(); piece++) {
                        if (pieces.isFresh(piece)) {
                            Arrays.fill(s, at, at + CemaSteps.STATE, 0f);
                        }
                        table.forward(pieces.from(piece), pieces.to(piece), v, group, before, s, at, xs, ys, xo);
                    }
                }
            }
            y.store(row, step, steps, first, vectors, BLOCK, ys);
        }
        for (int v = 0; v < vectors; v++) {
            states.store(last, b, first + v * LANES, s, v * state);
        }
    }

    /** {@code to = factor ⊙ from} for rows from place {@code at} on. */
    static void scale(FloatVector factor, float[] from, float[] to, int at, int rows) {
        for (int i = at; i < at + rows * LANES; i += LANES) {
            factor.mul(FloatVector.fromArray(SPECIES, from, i)).intoArray(to, i);
        }
    }
}
