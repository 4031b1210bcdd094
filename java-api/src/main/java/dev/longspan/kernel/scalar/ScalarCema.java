package dev.longspan.kernel.scalar;

import static dev.longspan.kernel.ScanPlan.BLOCK;

import dev.longspan.kernel.ScanPlan;
import dev.longspan.parallel.Parallel;
import dev.longspan.parallel.Scratch;
import dev.longspan.tensor.Tensor;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * {@code sₜ = q⊙sₜ₋₁ + xₜ}, {@code yₜ = Σₙ Re(c⊙sₜ) + ω⊙xₜ}. With A the gradient of sₜ, the way back takes the steps in reverse:
 * {@code A += c̄·dy}, {@code dx = Σₙ Re(A) + ω·dy}, {@code dq += A·s̄ₜ₋₁}, {@code dc += dy·s̄ₜ}, {@code A ← q̄·A}.
 */
final class ScalarCema {

    private final ScanPlan plan;
    private final Tensor x;
    private final Tensor q;
    private final Tensor c;
    private final Tensor omega;
    private final long batch;
    private final long rows;
    private final long channels;
    private final int modes;

    ScalarCema(ScanPlan plan, Tensor x, Tensor q, Tensor c, Tensor omega) {
        this.plan = plan;
        this.x = x;
        this.q = q;
        this.c = c;
        this.omega = omega;
        batch = x.size(0);
        rows = x.size(1);
        channels = x.size(2);
        modes = Math.toIntExact(q.size(0));
    }

    void forward(Parallel parallel, @Nullable Tensor start, Tensor y, Tensor last, @Nullable Tensor kept) {
        Reals xs = new Reals(x);
        Reals ys = new Reals(y);
        double[] weights = omegas();
        parallel.forEach(channels, (d, scratch) -> {
            double[] qd = mode(q, d, scratch, 0);
            double[] cd = mode(c, d, scratch, 1);
            double[] s = scratch.doubles(2, 2 * modes);
            for (long b = 0; b < batch; b++) {
                load(start, b, d, s);
                long[] resets = plan.resets(b, rows);
                int next = 0;
                for (long step = 0; step < rows; step++) {
                    if (kept != null && step % BLOCK == 0) {
                        store(kept, b * ScanPlan.blocks(rows) + step / BLOCK, d, s);
                    }
                    if (resets[next] == step) {
                        next++;
                        Arrays.fill(s, 0, 2 * modes, 0);
                    }
                    long at = (b * rows + plan.row(step, rows)) * channels + d;
                    double input = xs.get(x.offset() + at);
                    double sum = weights[(int) d] * input;
                    for (int k = 0; k < 2 * modes; k += 2) {
                        advance(qd, k, s, k, s, k, input);
                        sum += cd[k] * s[k] - cd[k + 1] * s[k + 1];
                    }
                    ys.set(y.offset() + at, sum);
                }
                store(last, b, d, s);
            }
        });
    }

    void backward(Parallel parallel, Tensor kept, Tensor dy, @Nullable Tensor dLast, @Nullable Tensor dx, @Nullable Tensor dq,
            @Nullable Tensor dc, @Nullable Tensor dOmega, @Nullable Tensor dStart) {
        Reals xs = new Reals(x);
        Reals dys = new Reals(dy);
        double[] weights = omegas();
        parallel.forEach(channels, (d, scratch) -> {
            double[] qd = mode(q, d, scratch, 0);
            double[] cd = mode(c, d, scratch, 1);
            double[] states = scratch.doubles(2, (BLOCK + 1) * 2 * modes);
            double[] a = scratch.doubles(3, 2 * modes);
            double[] dqd = zeros(scratch, 4);
            double[] dcd = zeros(scratch, 5);
            double dWeight = 0;
            for (long b = 0; b < batch; b++) {
                load(dLast, b, d, a);
                long[] resets = plan.resets(b, rows);
                for (long block = ScanPlan.blocks(rows) - 1; block >= 0; block--) {
                    long from = block * BLOCK;
                    int steps = (int) Math.min(BLOCK, rows - from);
                    recompute(kept, b, d, from, steps, resets, qd, states);
                    for (int t = steps - 1; t >= 0; t--) {
                        long at = (b * rows + plan.row(from + t, rows)) * channels + d;
                        double dOut = dys.get(dy.offset() + at);
                        double input = xs.get(x.offset() + at);
                        double dIn = weights[(int) d] * dOut;
                        dWeight += dOut * input;
                        boolean reset = Arrays.binarySearch(resets, from + t) >= 0;
                        for (int k = 0; k < 2 * modes; k += 2) {
                            double re = a[k] + cd[k] * dOut;
                            double im = a[k + 1] - cd[k + 1] * dOut;
                            int now = (t + 1) * 2 * modes + k;
                            dIn += re;
                            dcd[k] += dOut * states[now];
                            dcd[k + 1] -= dOut * states[now + 1];
                            if (reset) {
                                a[k] = 0;
                                a[k + 1] = 0;
                                continue;
                            }
                            int before = t * 2 * modes + k;
                            dqd[k] += re * states[before] + im * states[before + 1];
                            dqd[k + 1] += im * states[before] - re * states[before + 1];
                            a[k] = qd[k] * re + qd[k + 1] * im;
                            a[k + 1] = qd[k] * im - qd[k + 1] * re;
                        }
                        if (dx != null) {
                            new Reals(dx).add(dx.offset() + at, dIn);
                        }
                    }
                }
                add(dStart, b, d, a);
            }
            add(dq, 0, d, dqd);
            add(dc, 0, d, dcd);
            if (dOmega != null) {
                new Reals(dOmega).add(dOmega.offset() + d, dWeight);
            }
        });
    }

    /** The state before a block and after each of its steps. */
    private void recompute(Tensor kept, long b, long d, long from, int steps, long[] resets, double[] qd, double[] states) {
        Reals xs = new Reals(x);
        load(kept, b * ScanPlan.blocks(rows) + from / BLOCK, d, states);
        for (int t = 0; t < steps; t++) {
            int before = t * 2 * modes;
            boolean reset = Arrays.binarySearch(resets, from + t) >= 0;
            double input = xs.get(x.offset() + (b * rows + plan.row(from + t, rows)) * channels + d);
            for (int k = 0; k < 2 * modes; k += 2) {
                int now = before + 2 * modes + k;
                if (reset) {
                    states[now] = input;
                    states[now + 1] = 0;
                } else {
                    advance(qd, k, states, before + k, states, now, input);
                }
            }
        }
    }

    private static void advance(double[] q, int k, double[] from, int i, double[] to, int j, double input) {
        double re = q[k] * from[i] - q[k + 1] * from[i + 1] + input;
        to[j + 1] = q[k] * from[i + 1] + q[k + 1] * from[i];
        to[j] = re;
    }

    private double[] omegas() {
        double[] weights = new double[(int) channels];
        new Reals(omega).load(omega.offset(), weights, weights.length);
        return weights;
    }

    /** A channel's column of an [n, 2, D] tensor. */
    private double[] mode(Tensor t, long d, Scratch scratch, int slot) {
        double[] values = scratch.doubles(slot, 2 * modes);
        new Reals(t).load(t.offset() + d, channels, values, 2 * modes);
        return values;
    }

    private double[] zeros(Scratch scratch, int slot) {
        double[] values = scratch.doubles(slot, 2 * modes);
        Arrays.fill(values, 0, 2 * modes, 0);
        return values;
    }

    private void load(@Nullable Tensor from, long number, long d, double[] s) {
        if (from == null) {
            Arrays.fill(s, 0, 2 * modes, 0);
        } else {
            new Reals(from).load(from.offset() + number * 2 * modes * channels + d, channels, s, 2 * modes);
        }
    }

    private void store(Tensor to, long number, long d, double[] s) {
        Reals values = new Reals(to);
        for (int k = 0; k < 2 * modes; k++) {
            values.set(to.offset() + (number * 2 * modes + k) * channels + d, s[k]);
        }
    }

    private void add(@Nullable Tensor to, long number, long d, double[] s) {
        if (to != null) {
            Reals values = new Reals(to);
            for (int k = 0; k < 2 * modes; k++) {
                values.add(to.offset() + (number * 2 * modes + k) * channels + d, s[k]);
            }
        }
    }
}
