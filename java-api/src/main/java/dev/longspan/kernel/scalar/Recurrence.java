package dev.longspan.kernel.scalar;

import dev.longspan.kernel.ScanPlan;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** {@code hₜ = aₜ·hₜ₋₁ + bₜ·xₜ} a channel at a time; a real number is a complex one without imaginary part. */
final class Recurrence {

    private final ScanPlan plan;
    private final Operand a;
    private final Operand b;
    private final Operand x;
    private final Operand start;
    private final Operand h;
    private final long batch;
    private final long rows;
    private final long channels;

    Recurrence(ScanPlan plan, Tensor a, @Nullable Tensor b, Tensor x, @Nullable Tensor start, Tensor h) {
        this.plan = plan;
        batch = x.size(0);
        rows = x.size(1);
        channels = x.size(-1);
        boolean complex = x.rank() == 4;
        this.a = new Operand(a, complex, a.rank() == x.rank());
        this.b = new Operand(b, complex, b != null && b.rank() == x.rank());
        this.x = new Operand(x, complex, true);
        this.start = new Operand(start, complex, true);
        this.h = new Operand(h, complex, true);
    }

    void forward(Parallel parallel) {
        parallel.forEach(batch * channels, (item, scratch) -> {
            long seq = item / channels;
            long d = item % channels;
            long[] resets = plan.resets(seq, rows);
            int next = 0;
            double re = start.re(seq, d);
            double im = start.im(seq, d);
            for (long step = 0; step < rows; step++) {
                long row = seq * rows + plan.row(step, rows);
                if (resets[next] == step) {
                    next++;
                    re = 0;
                    im = 0;
                }
                double gainRe = b.tensor == null ? 1 : b.re(row, d);
                double gainIm = b.im(row, d);
                double newRe = a.re(row, d) * re - a.im(row, d) * im + gainRe * x.re(row, d) - gainIm * x.im(row, d);
                im = a.re(row, d) * im + a.im(row, d) * re + gainRe * x.im(row, d) + gainIm * x.re(row, d);
                re = newRe;
                h.set(row, d, re, im);
            }
        });
    }

    /** With A the gradient of hₜ: {@code da += A·h̄ₜ₋₁}, {@code db += A·x̄ₜ}, {@code dx += A·b̄ₜ}, {@code A ← A·āₜ + dhₜ₋₁}. */
    void backward(Parallel parallel, Tensor dh, @Nullable Tensor da, @Nullable Tensor db, @Nullable Tensor dx,
            @Nullable Tensor dStart) {
        Operand dhs = new Operand(dh, h.complex, true);
        Operand das = new Operand(da, h.complex, a.perStep);
        Operand dbs = new Operand(db, h.complex, b.perStep);
        Operand dxs = new Operand(dx, h.complex, true);
        Operand dStarts = new Operand(dStart, h.complex, true);
        // A gradient that all steps share is one sum over the sequences too: a channel is one item.
        parallel.forEach(channels, (d, scratch) -> {
            for (long seq = 0; seq < batch; seq++) {
                long[] resets = plan.resets(seq, rows);
                int next = resets.length - 2;
                double re = 0;
                double im = 0;
                for (long step = rows - 1; step >= 0; step--) {
                    long row = seq * rows + plan.row(step, rows);
                    re += dhs.re(row, d);
                    im += dhs.im(row, d);
                    double gainRe = b.tensor == null ? 1 : b.re(row, d);
                    double gainIm = b.im(row, d);
                    dxs.add(row, d, re * gainRe + im * gainIm, im * gainRe - re * gainIm);
                    dbs.add(row, d, re * x.re(row, d) + im * x.im(row, d), im * x.re(row, d) - re * x.im(row, d));
                    if (next >= 0 && resets[next] == step) {
                        next--;
                        re = 0;
                        im = 0;
                        continue;
                    }
                    long before = step == 0 ? seq : seq * rows + plan.row(step - 1, rows);
                    Operand from = step == 0 ? start : h;
                    double fromRe = from.re(before, d);
                    double fromIm = from.im(before, d);
                    das.add(row, d, re * fromRe + im * fromIm, im * fromRe - re * fromIm);
                    double newRe = re * a.re(row, d) + im * a.im(row, d);
                    im = im * a.re(row, d) - re * a.im(row, d);
                    re = newRe;
                }
                dStarts.add(seq, d, re, im);
            }
        });
    }

    /** Rows of real or complex channels, the same one for every step unless {@code perStep}; zeros if absent. */
    private static final class Operand {
        private final @Nullable Tensor tensor;
        private final @Nullable Reals values;
        private final boolean complex;
        private final boolean perStep;

        Operand(@Nullable Tensor tensor, boolean complex, boolean perStep) {
            this.tensor = tensor;
            this.values = tensor == null ? null : new Reals(tensor);
            this.complex = complex;
            this.perStep = perStep;
        }

        double re(long row, long d) {
            return tensor == null || values == null ? 0 : values.get(at(tensor, row, d));
        }

        double im(long row, long d) {
            return tensor == null || values == null || !complex ? 0 : values.get(at(tensor, row, d) + tensor.size(-1));
        }

        void set(long row, long d, double re, double im) {
            if (tensor != null && values != null) {
                values.set(at(tensor, row, d), re);
                if (complex) {
                    values.set(at(tensor, row, d) + tensor.size(-1), im);
                }
            }
        }

        void add(long row, long d, double re, double im) {
            set(row, d, re(row, d) + re, im(row, d) + im);
        }

        private long at(Tensor t, long row, long d) {
            return t.offset() + (perStep ? row : 0) * t.size(-1) * (complex ? 2 : 1) + d;
        }
    }
}
