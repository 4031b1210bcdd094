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
 * The way back through {@link CemaForward}, blocks from the last to the first, stretches of T steps from the last to the first:
 * the states before them are computed again from the kept one before the block. With the gradient z of the state behind a
 * stretch, {@code g = Σ qᵗ⁺¹⊙dyₜ} and ω and powers as in the forward's {@code kᵢ},
 * {@code dxₜ = Σᵢ kᵢ⊙dyₜ₊ᵢ + Re Σₙ qᵀ⁻¹⁻ᵗ⊙z̄} and the gradient before it is {@code conj(qᵀ)⊙z + conj(c⊙g)}. Sums over steps are
 * float32 within {@link #FOLD} blocks, double beyond.
 */
final class CemaBackward {

    private static final int FOLD = 4;
    private static final int TABLE = 0;
    private static final int STATES = 5;
    private static final int X = 6;
    private static final int DY = 7;
    private static final int DX = 8;
    private static final int Z = 9;
    private static final int SUMS = 10;
    private static final int BEFORE = 11;
    private static final int WEIGHTED = 12;
    private static final int VALUES = 13;
    private static final int TOTALS = 4;

    private final ScanPlan plan;
    private final Tensor q;
    private final Tensor c;
    private final CemaRows x;
    private final Tensor omega;
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
        this.omega = omega;
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
        CemaTable table = new CemaTable(plan, rows, q, c, omega, first, vectors, scratch, TABLE);
        int state = modes * 2 * LANES;
        int each = sumsOf(modes);
        float[] z = scratch.floats(Z, vectors * state);
        float[] sums = scratch.floats(SUMS, vectors * each);
        double[] totals = scratch.doubles(TOTALS, vectors * each);
        Arrays.fill(sums, 0, vectors * each, 0f);
        Arrays.fill(totals, 0, vectors * each, 0);
        CemaStates states = new CemaStates(modes);
        for (long b = 0; b < batch; b++) {
            for (int v = 0; v < vectors; v++) {
                states.load(dLast, b, first + (long) v * LANES, z, v * state);
            }
            Pieces pieces = new Pieces(plan.resets(b, rows), scratch);
            for (long block = ScanPlan.blocks(rows) - 1; block >= 0; block--) {
                pieces.cut(block * BLOCK, (int) Math.min(BLOCK, rows - block * BLOCK));
                block(b, block, first, vectors, table, pieces, z, sums, scratch);
                if (block % FOLD == 0) {
                    fold(sums, totals, vectors * each);
                }
            }
            for (int v = 0; v < vectors && dStart != null; v++) {
                states.add(dStart, b, first + (long) v * LANES, z, v * state);
            }
        }
        for (int v = 0; v < vectors; v++) {
            addTotals(table, v, totals, v * each, first + (long) v * LANES, scratch);
        }
    }

    private void block(long b, long block, long first, int vectors, CemaTable table, Pieces pieces, float[] z, float[] sums,
            Scratch scratch) {
        float[] xs = scratch.floats(X, CemaRows.LENGTH);
        float[] dys = scratch.floats(DY, CemaRows.LENGTH);
        float[] dxs = scratch.floats(DX, CemaRows.LENGTH);
        int state = modes * 2 * LANES;
        int values = 2 * modes * CemaStretches.VALUES;
        float[] s = scratch.floats(STATES, state);
        float[] before = scratch.floats(BEFORE, pieces.count() * values);
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
            new CemaStates(modes).restore(kept, b * ScanPlan.blocks(rows) + block, d, s);
            for (int piece = 0; piece < pieces.count(); piece++) {
                if (pieces.isFresh(piece)) {
                    Arrays.fill(s, 0, state, 0f);
                }
                int count = pieces.stretches(piece);
                int each = pieces.steps(piece);
                CemaStretches.projectBack(modes, count, each, table.powers, table.powersAt(v, 0), xs, at(pieces, piece, v),
                        before, piece * values);
                CemaStretches.states(table, v, count, each, before, piece * values, s, 0);
            }
            for (int piece = pieces.count() - 1; piece >= 0; piece--) {
                goBack(table, v, pieces, piece, xs, dys, dxs, before, piece * values, z, sums, scratch);
                if (pieces.isFresh(piece)) {
                    Arrays.fill(z, v * state, (v + 1) * state, 0f);
                }
            }
        }
        if (dx != null) {
            dx.store(row, step, steps, first, vectors, dxs);
        }
    }

    private static int at(Pieces pieces, int piece, int vector) {
        return pieces.from(piece) * CemaRows.ROW + vector * LANES;
    }

    private static void goBack(CemaTable table, int v, Pieces pieces, int piece, float[] x, float[] dy, float[] dx, float[] s,
            int so, float[] z, float[] sums, Scratch scratch) {
        int modes = table.modes;
        int count = pieces.stretches(piece);
        int steps = pieces.steps(piece);
        int at = at(pieces, piece, v);
        int one = table.powersAt(v, 0);
        int q = table.powersAt(v, 1);
        int last = table.powersAt(v, steps - 1);
        float[] weighted = scratch.floats(WEIGHTED, CemaRows.LENGTH);
        float[] h = scratch.floats(VALUES, 2 * modes * CemaStretches.VALUES);
        float[] e = scratch.floats(VALUES + 1, 2 * modes * CemaStretches.VALUES);
        float[] g = scratch.floats(VALUES + 2, 2 * modes * CemaStretches.VALUES);
        float[] behind = scratch.floats(VALUES + 3, 2 * modes * CemaStretches.VALUES);
        CemaStretches.weigh(count, steps - 1, steps - 1, -1, x, weighted, at);
        CemaStretches.projectBack(modes, count, steps - 1, table.powers, one, weighted, at, h, 0);
        CemaStretches.weigh(count, steps, 1, 1, dy, weighted, at);
        CemaStretches.project(modes, count, steps, table.powers, one, weighted, at, e);
        CemaStretches.project(modes, count, steps, table.powers, q, dy, at, g);
        CemaStretches.gradients(table, v, count, steps, g, behind, z, v * modes * 2 * LANES);
        CemaStretches.respond(count, steps, false, true, table.response, table.responseAt(v), dy, dx, at);
        CemaStretches.expand(modes, count, steps, true, table.powers, last, behind, dx, at);
        int uo = v * sumsOf(modes);
        CemaStretches.sum(modes, count, steps, table.powers, last, s, so, behind, h, e, g, sums, uo);
        CemaStretches.correlate(count, steps, x, dy, at, sums, uo + modes * CemaStretches.SUMS * LANES);
    }

    /** Floats of the sums of a vector of channels: by mode, then those of {@link CemaStretches#correlate}. */
    private static int sumsOf(int modes) {
        return (modes * CemaStretches.SUMS + CemaStretches.STEPS) * LANES;
    }

    private static void fold(float[] sums, double[] totals, int n) {
        for (int i = 0; i < n; i++) {
            totals[i] += sums[i];
            sums[i] = 0;
        }
    }

    /**
     * {@code dq += conj(F + c⊙(E + Σ i·qⁱ⁻¹⊙rᵢ))}, {@code dc += conj(C + Σ qⁱ⊙rᵢ)}, {@code dω += r₀}, with the sums of
     * {@link CemaStretches#sum} and {@code rᵢ = Σ xₜ₋ᵢ⊙dyₜ} within stretches.
     */
    private void addTotals(CemaTable table, int v, double[] totals, int at, long d, Scratch scratch) {
        int count = (int) Math.min(LANES, width - d);
        int r = at + modes * CemaStretches.SUMS * LANES;
        double[] re = scratch.doubles(0, LANES);
        double[] im = scratch.doubles(1, LANES);
        double[] old = scratch.doubles(2, LANES);
        for (int mode = 0; mode < modes; mode++) {
            int sums = at + mode * CemaStretches.SUMS * LANES;
            long row = 2L * mode * width + d;
            if (dq != null) {
                for (int i = 0; i < count; i++) {
                    double a = totals[sums + 2 * LANES + i];
                    double b = totals[sums + 3 * LANES + i];
                    for (int step = 1; step < CemaStretches.STEPS; step++) {
                        double weight = step * totals[r + step * LANES + i];
                        a += weight * table.power(v, mode, step - 1, 0, i);
                        b += weight * table.power(v, mode, step - 1, 1, i);
                    }
                    double cr = table.weight(v, mode, 0, i);
                    double ci = table.weight(v, mode, 1, i);
                    re[i] = totals[sums + i] + cr * a - ci * b;
                    im[i] = totals[sums + LANES + i] + cr * b + ci * a;
                }
                add(dq, row, count, re, 1, old);
                add(dq, row + width, count, im, -1, old);
            }
            if (dc != null) {
                for (int i = 0; i < count; i++) {
                    re[i] = totals[sums + 4 * LANES + i];
                    im[i] = totals[sums + 5 * LANES + i];
                    for (int step = 0; step < CemaStretches.STEPS; step++) {
                        re[i] += totals[r + step * LANES + i] * table.power(v, mode, step, 0, i);
                        im[i] += totals[r + step * LANES + i] * table.power(v, mode, step, 1, i);
                    }
                }
                add(dc, row, count, re, 1, old);
                add(dc, row + width, count, im, -1, old);
            }
        }
        GroupRows.add(dOmega, d, count, totals, r);
    }

    /** {@code to[first + i] += sign · values[i]} of an F64 tensor. */
    private static void add(Tensor to, long first, int count, double[] values, double sign, double[] old) {
        GroupRows.load(to, first, count, old);
        for (int i = 0; i < count; i++) {
            old[i] += sign * values[i];
        }
        GroupRows.store(old, count, to, first);
    }
}
