package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.LANES;
import static dev.longspan.kernel.vector.Lanes.SPECIES;

import dev.longspan.kernel.ScanPlan;
import dev.longspan.parallel.Parallel;
import dev.longspan.parallel.Scratch;
import dev.longspan.tensor.Tensor;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import org.jspecify.annotations.Nullable;

/** {@code hₜ = aₜ·hₜ₋₁ + bₜ·xₜ} for one vector of channels at a time; a real number is a complex one without imaginary part. */
final class Recurrence {

    private static final FloatVector ZERO = FloatVector.zero(SPECIES);
    private static final FloatVector ONE = FloatVector.broadcast(SPECIES, 1);
    /** Steps whose shared gradients are summed in float32 before they go into a double. */
    private static final int FOLD = 256;

    private final ScanPlan plan;
    private final Operand a;
    private final Operand b;
    private final Operand x;
    private final Operand start;
    private final Operand h;
    private final boolean complex;
    private final long batch;
    private final long rows;
    private final long width;

    Recurrence(ScanPlan plan, Tensor a, @Nullable Tensor b, Tensor x, @Nullable Tensor start, Tensor h) {
        this.plan = plan;
        complex = x.rank() == 4;
        batch = x.size(0);
        rows = x.size(1);
        width = x.size(-1);
        this.a = new Operand(a, complex, a.rank() == x.rank(), ZERO);
        this.b = new Operand(b, complex, b != null && b.rank() == x.rank(), ONE);
        this.x = new Operand(x, complex, true, ZERO);
        this.start = new Operand(start, complex, true, ZERO);
        this.h = new Operand(h, complex, true, ZERO);
    }

    void forward(Parallel parallel) {
        long slices = Math.ceilDiv(width, LANES);
        parallel.forEach(batch * slices, (item, scratch) -> {
            long seq = item / slices;
            long d = item % slices * LANES;
            long[] resets = plan.resets(seq, rows);
            int next = 0;
            FloatVector re = start.re(seq, d);
            FloatVector im = start.im(seq, d);
            for (long step = 0; step < rows; step++) {
                long row = seq * rows + plan.row(step, rows);
                if (resets[next] == step) {
                    next++;
                    re = ZERO;
                    im = ZERO;
                }
                if (complex) {
                    FloatVector ar = a.re(row, d);
                    FloatVector ai = a.im(row, d);
                    FloatVector br = b.re(row, d);
                    FloatVector bi = b.im(row, d);
                    FloatVector xr = x.re(row, d);
                    FloatVector xi = x.im(row, d);
                    FloatVector old = re;
                    re = ar.fma(re, ai.neg().fma(im, br.mul(xr).sub(bi.mul(xi))));
                    im = ar.fma(im, ai.fma(old, br.mul(xi).add(bi.mul(xr))));
                    h.storeIm(row, d, im);
                } else {
                    re = a.re(row, d).fma(re, b.re(row, d).mul(x.re(row, d)));
                }
                h.storeRe(row, d, re);
            }
        });
    }

    /** With A the gradient of hₜ: {@code da += A·h̄ₜ₋₁}, {@code db += A·x̄ₜ}, {@code dx += A·b̄ₜ}, {@code A ← A·āₜ + dhₜ₋₁}. */
    void backward(Parallel parallel, Tensor dh, @Nullable Tensor da, @Nullable Tensor db, @Nullable Tensor dx,
            @Nullable Tensor dStart) {
        Operand dhs = new Operand(dh, complex, true, ZERO);
        Operand dxs = new Operand(dx, complex, true, ZERO);
        Operand dStarts = new Operand(dStart, complex, true, ZERO);
        parallel.forEach(Math.ceilDiv(width, LANES), (slice, scratch) -> {
            long d = slice * LANES;
            Sums das = new Sums(new Operand(da, complex, a.perStep, ZERO), scratch, 0);
            Sums dbs = new Sums(new Operand(db, complex, b.perStep, ZERO), scratch, 2);
            for (long seq = 0; seq < batch; seq++) {
                long[] resets = plan.resets(seq, rows);
                int next = resets.length - 2;
                FloatVector re = ZERO;
                FloatVector im = ZERO;
                for (long step = rows - 1; step >= 0; step--) {
                    long row = seq * rows + plan.row(step, rows);
                    re = re.add(dhs.re(row, d));
                    im = im.add(dhs.im(row, d));
                    dxs.addProduct(row, d, re, im, b.re(row, d), b.im(row, d));
                    dbs.addProduct(row, d, re, im, x.re(row, d), x.im(row, d));
                    if (next >= 0 && resets[next] == step) {
                        next--;
                        re = ZERO;
                        im = ZERO;
                    } else {
                        Operand from = step == 0 ? start : h;
                        long before = step == 0 ? seq : seq * rows + plan.row(step - 1, rows);
                        das.addProduct(row, d, re, im, from.re(before, d), from.im(before, d));
                        FloatVector ar = a.re(row, d);
                        FloatVector ai = a.im(row, d);
                        FloatVector old = re;
                        re = re.mul(ar).add(im.mul(ai));
                        im = im.mul(ar).sub(old.mul(ai));
                    }
                    if (step % FOLD == 0) {
                        das.fold();
                        dbs.fold();
                    }
                }
                dStarts.addProduct(seq, d, re, im, ONE, ZERO);
            }
            das.store(d);
            dbs.store(d);
        });
    }

    /** Rows of real or complex channels, the same one for every step unless {@code perStep}; a constant if absent. */
    private static final class Operand {
        private final @Nullable Channels channels;
        private final boolean complex;
        private final boolean perStep;
        private final FloatVector otherwise;

        Operand(@Nullable Tensor tensor, boolean complex, boolean perStep, FloatVector otherwise) {
            this.channels = tensor == null ? null : new Channels(tensor);
            this.complex = complex;
            this.perStep = perStep;
            this.otherwise = otherwise;
        }

        FloatVector re(long row, long d) {
            return channels == null ? otherwise : channels.load(place(row), d);
        }

        FloatVector im(long row, long d) {
            return channels == null || !complex ? ZERO : channels.load(place(row) + 1, d);
        }

        void storeRe(long row, long d, FloatVector v) {
            if (channels != null) {
                channels.store(place(row), d, v);
            }
        }

        void storeIm(long row, long d, FloatVector v) {
            if (channels != null) {
                channels.store(place(row) + 1, d, v);
            }
        }

        /** {@code += (re + i·im)·(yr − i·yi)}. */
        void addProduct(long row, long d, FloatVector re, FloatVector im, FloatVector yr, FloatVector yi) {
            if (channels != null) {
                channels.add(place(row), d, re.mul(yr).add(im.mul(yi)));
                if (complex) {
                    channels.add(place(row) + 1, d, im.mul(yr).sub(re.mul(yi)));
                }
            }
        }

        private long place(long row) {
            return (perStep ? row : 0) * (complex ? 2 : 1);
        }
    }

    /** A gradient that is one a step or a sum over all steps. */
    private static final class Sums {
        private final Operand to;
        private final float[] recent;
        private final double[] total;

        Sums(Operand to, Scratch scratch, int slot) {
            this.to = to;
            recent = scratch.floats(slot, 2 * LANES);
            total = scratch.doubles(slot, 2 * LANES);
            Arrays.fill(recent, 0, 2 * LANES, 0f);
            Arrays.fill(total, 0, 2 * LANES, 0);
        }

        void addProduct(long row, long d, FloatVector re, FloatVector im, FloatVector yr, FloatVector yi) {
            if (to.perStep) {
                to.addProduct(row, d, re, im, yr, yi);
            } else if (to.channels != null) {
                FloatVector.fromArray(SPECIES, recent, 0).add(re.mul(yr).add(im.mul(yi))).intoArray(recent, 0);
                FloatVector.fromArray(SPECIES, recent, LANES).add(im.mul(yr).sub(re.mul(yi))).intoArray(recent, LANES);
            }
        }

        void fold() {
            for (int i = 0; i < 2 * LANES; i++) {
                total[i] += recent[i];
                recent[i] = 0;
            }
        }

        void store(long d) {
            if (!to.perStep) {
                for (int i = 0; i < 2 * LANES; i++) {
                    recent[i] = (float) total[i];
                }
                to.addProduct(0, d, FloatVector.fromArray(SPECIES, recent, 0), FloatVector.fromArray(SPECIES, recent, LANES),
                        ONE, ZERO);
            }
        }
    }
}
