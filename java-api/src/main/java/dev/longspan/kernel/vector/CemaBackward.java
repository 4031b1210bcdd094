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

/**
 * The way back through {@link CemaForward}, blocks from the last to the first: the states of a block are computed again
 * from the kept one before it. Sums over steps are float32 within {@link #FOLD} blocks, double beyond.
 */
final class CemaBackward {

    private static final int FOLD = 4;
    /** Floats of a group's sums: {@code Σ dy·s} (real, imaginary), then {@link CemaSteps#SUMS} rows for dq, by mode. */
    private static final int GROUP_SUMS = (2 + CemaSteps.SUMS) * CemaSteps.MODES * LANES;
    private static final int TABLE = 0;
    private static final int STATES = 3;
    private static final int BEFORE = 4;
    private static final int X = 5;
    private static final int DY = 6;
    private static final int DX = 7;
    private static final int Z = 8;
    private static final int SUMS = 9;
    private static final int KEPT = 10;
    private static final int TOTALS = 1;

    private final ScanPlan plan;
    private final Tensor q;
    private final Tensor c;
    private final CemaRows x;
    private final Channels omega;
    private final KeptStates kept;
    private final CemaRows dy;
    private final @Nullable Channels dLast;
    private final @Nullable CemaRows dx;
    private final @Nullable Tensor dq;
    private final @Nullable Tensor dc;
    private final @Nullable Tensor dOmega;
    private final @Nullable Channels dStart;
    private final long batch;
    private final long rows;
    private final long width;
    private final int modes;

    CemaBackward(ScanPlan plan, Tensor x, Tensor q, Tensor c, Tensor omega, Tensor kept, Tensor dy, @Nullable Tensor dLast,
            @Nullable Tensor dx, @Nullable Tensor dq, @Nullable Tensor dc, @Nullable Tensor dOmega, @Nullable Tensor dStart) {
        this.plan = plan;
        this.q = q;
        this.c = c;
        this.x = new CemaRows(x);
        this.omega = new Channels(omega.reshape(x.size(2)));
        this.kept = new KeptStates(kept);
        this.dy = new CemaRows(dy);
        this.dLast = dLast == null ? null : new Channels(dLast);
        this.dx = dx == null ? null : new CemaRows(dx);
        this.dq = dq;
        this.dc = dc;
        this.dOmega = dOmega;
        this.dStart = dStart == null ? null : new Channels(dStart);
        batch = x.size(0);
        rows = x.size(1);
        width = x.size(2);
        modes = Math.toIntExact(q.size(0));
    }

    void run(Parallel parallel) {
        int vectors = CemaForward.vectors(parallel, width, 1);
        parallel.forEach(Math.ceilDiv(width, vectors * LANES), (item, scratch) ->
                scan(item * vectors * LANES, vectors, scratch));
    }

    private void scan(long first, int most, Scratch scratch) {
        int vectors = (int) Math.min(most, Math.ceilDiv(width - first, LANES));
        CemaTable table = new CemaTable(q, c, first, vectors, rows, scratch, TABLE);
        int state = table.groups * CemaSteps.STATE;
        int sumsOf = sumsOf(table);
        float[] z = scratch.floats(Z, vectors * state);
        float[] sums = scratch.floats(SUMS, vectors * sumsOf);
        double[] totals = scratch.doubles(TOTALS, vectors * sumsOf);
        Arrays.fill(sums, 0, vectors * sumsOf, 0f);
        Arrays.fill(totals, 0, vectors * sumsOf, 0);
        CemaStates states = new CemaStates(modes);
        for (long b = 0; b < batch; b++) {
            for (int v = 0; v < vectors; v++) {
                states.load(dLast, b, first + (long) v * LANES, z, v * state, state);
            }
            Pieces pieces = new Pieces(plan.resets(b, rows), scratch);
            for (long block = ScanPlan.blocks(rows) - 1; block >= 0; block--) {
                pieces.cut(block * BLOCK, (int) Math.min(BLOCK, rows - block * BLOCK));
                block(b, block, first, vectors, table, pieces, z, sums, scratch);
                if (block % FOLD == 0) {
                    fold(sums, totals, vectors * sumsOf);
                }
            }
            for (int v = 0; v < vectors && dStart != null; v++) {
                states.add(dStart, b, first + (long) v * LANES, z, v * state);
            }
        }
        for (int v = 0; v < vectors; v++) {
            addTotals(totals, v * sumsOf, first + (long) v * LANES, table.groups, scratch.doubles(0, LANES));
        }
    }

    private void block(long b, long block, long first, int vectors, CemaTable table, Pieces pieces, float[] z, float[] sums,
            Scratch scratch) {
        float[] xs = scratch.floats(X, CemaRows.LENGTH);
        float[] dys = scratch.floats(DY, CemaRows.LENGTH);
        float[] dxs = scratch.floats(DX, CemaRows.LENGTH);
        int state = table.groups * CemaSteps.STATE;
        float[] start = scratch.floats(KEPT, state);
        int steps = pieces.to(pieces.count() - 1);
        int step = plan.reversed() ? -1 : 1;
        long row = b * rows + plan.row(block * BLOCK, rows);
        x.load(row, step, steps, first, vectors, xs);
        dy.load(row, step, steps, first, vectors, dys);
        if (dx == null) {
            Arrays.fill(dxs, 0, CemaRows.LENGTH, 0f);
        } else {
            dx.load(row, step, steps, first, vectors, dxs);
        }
        for (int v = 0; v < vectors; v++) {
            long d = first + (long) v * LANES;
            int uo = v * sumsOf(table);
            direct(omega.load(0, d), xs, dys, dxs, v * LANES, steps, sums, uo + table.groups * GROUP_SUMS);
            new CemaStates(modes).restore(kept, b * ScanPlan.blocks(rows) + block, d, start, state);
            for (int group = 0; group < table.groups; group++) {
                float[] s = states(v, group, table, pieces, start, xs, dys, sums, uo, scratch);
                goBack(v, group, table, pieces, s, dys, dxs, z, sums, uo, scratch);
            }
        }
        if (dx != null) {
            dx.store(row, step, steps, first, vectors, dxs);
        }
    }

    /** States before the block and after each of its steps, a row each; sums what dc needs. */
    private static float[] states(int v, int group, CemaTable table, Pieces pieces, float[] start, float[] xs, float[] dys,
            float[] sums, int uo, Scratch scratch) {
        float[] s = scratch.floats(STATES, (BLOCK + 1) * CemaSteps.STATE);
        System.arraycopy(start, group * CemaSteps.STATE, s, 0, CemaSteps.STATE);
        for (int piece = 0; piece < pieces.count(); piece++) {
            int from = pieces.from(piece);
            int to = pieces.to(piece);
            if (pieces.isFresh(piece)) {
                Arrays.fill(s, from * CemaSteps.STATE, (from + 1) * CemaSteps.STATE, 0f);
            }
            CemaSteps.recompute(from, to, table.values, table.at(v, group), s, xs, dys, v * LANES, sums,
                    uo + group * GROUP_SUMS);
            table.correct(to - from, v, group, false, s, from * CemaSteps.STATE, s, to * CemaSteps.STATE);
        }
        return s;
    }

    private static void goBack(int v, int group, CemaTable table, Pieces pieces, float[] s, float[] dys, float[] dxs, float[] z,
            float[] sums, int uo, Scratch scratch) {
        float[] before = scratch.floats(BEFORE, CemaSteps.STATE);
        int zo = (v * table.groups + group) * CemaSteps.STATE;
        for (int piece = pieces.count() - 1; piece >= 0; piece--) {
            System.arraycopy(z, zo, before, 0, CemaSteps.STATE);
            CemaSteps.backward(pieces.from(piece), pieces.to(piece), table.values, table.at(v, group), s, dys, dxs, v * LANES, z,
                    zo, sums, uo + group * GROUP_SUMS + CemaSteps.STATE);
            if (pieces.isFresh(piece)) {
                Arrays.fill(z, zo, zo + CemaSteps.STATE, 0f);
            } else {
                table.correct(pieces.to(piece) - pieces.from(piece), v, group, true, before, 0, z, zo);
            }
        }
    }

    /** Floats of the sums of a vector of channels; the last vector is dω's. */
    private static int sumsOf(CemaTable table) {
        return table.groups * GROUP_SUMS + LANES;
    }

    /** What ω does in one vector of each row: {@code dx += ω ⊙ dy}, {@code sums += Σ x ⊙ dy}. */
    private static void direct(FloatVector omega, float[] x, float[] dy, float[] dx, int from, int rows, float[] sums, int at) {
        FloatVector sum = FloatVector.fromArray(SPECIES, sums, at);
        for (int i = from; i < from + rows * CemaSteps.ROW; i += CemaSteps.ROW) {
            FloatVector g = FloatVector.fromArray(SPECIES, dy, i);
            omega.fma(g, FloatVector.fromArray(SPECIES, dx, i)).intoArray(dx, i);
            sum = FloatVector.fromArray(SPECIES, x, i).fma(g, sum);
        }
        sum.intoArray(sums, at);
    }

    private static void fold(float[] sums, double[] totals, int n) {
        for (int i = 0; i < n; i++) {
            totals[i] += sums[i];
            sums[i] = 0;
        }
    }

    private void addTotals(double[] totals, int at, long d, int groups, double[] row) {
        int count = (int) Math.min(LANES, width - d);
        int part = CemaSteps.MODES * LANES;
        for (int mode = 0; mode < modes; mode++) {
            int from = at + mode / CemaSteps.MODES * GROUP_SUMS + mode % CemaSteps.MODES * LANES;
            long re = 2L * mode * width + d;
            if (dc != null) {
                addRow(dc, re, count, totals, from, 1, row);
                addRow(dc, re + width, count, totals, from + part, -1, row);
            }
            if (dq != null) {
                addRow(dq, re, count, totals, from + 2 * part, 1, row);
                addRow(dq, re, count, totals, from + 3 * part, 1, row);
                addRow(dq, re + width, count, totals, from + 2 * part, -1, row);
                addRow(dq, re + width, count, totals, from + 3 * part, 1, row);
                addRow(dq, re + width, count, totals, from + 4 * part, 1, row);
            }
        }
        GroupRows.add(dOmega, d, count, totals, at + groups * GROUP_SUMS);
    }

    /** {@code to[first + i] += sign · values[from + i]} of an F64 tensor. */
    private static void addRow(Tensor to, long first, int count, double[] values, int from, double sign, double[] row) {
        GroupRows.load(to, first, count, row);
        for (int i = 0; i < count; i++) {
            row[i] += sign * values[from + i];
        }
        GroupRows.store(row, count, to, first);
    }
}
