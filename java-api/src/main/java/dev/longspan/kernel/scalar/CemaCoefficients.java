package dev.longspan.kernel.scalar;

import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** {@code p = σ(α)}, {@code q = ρ·e^(iφ)} with {@code ρ = 1 − p·σ(δ)}, {@code c = p·γ/√n}, and the way back, in double. */
final class CemaCoefficients {

    private static final int CHANNELS = 16;

    private final Tensor alpha;
    private final Tensor delta;
    private final @Nullable Tensor theta;
    private final Tensor gamma;
    private final long channels;
    private final long modes;

    CemaCoefficients(Tensor alpha, Tensor delta, @Nullable Tensor theta, Tensor gamma) {
        this.alpha = alpha;
        this.delta = delta;
        this.theta = theta;
        this.gamma = gamma;
        channels = alpha.size(0);
        modes = alpha.size(1);
    }

    void compute(Parallel parallel, Tensor q, Tensor p, Tensor c) {
        Reals alphas = new Reals(alpha);
        Reals deltas = new Reals(delta);
        Reals gammas = new Reals(gamma);
        Reals qs = new Reals(q);
        Reals ps = new Reals(p);
        Reals cs = new Reals(c);
        Reals thetas = realsOrNull(theta);
        parallel.forRanges(channels, CHANNELS, (from, end, scratch) -> {
            for (long d = from; d < end; d++) {
                double step = phaseStep(thetas, d);
                for (long k = 0; k < modes; k++) {
                    long at = d * modes + k;
                    double pole = logistic(alphas.get(alpha.offset() + at));
                    double radius = 1 - pole * logistic(deltas.get(delta.offset() + at));
                    double phase = (k + 1) * step;
                    double scale = pole / Math.sqrt(modes);
                    long re = 2 * k * channels + d;
                    qs.set(q.offset() + re, radius * Math.cos(phase));
                    qs.set(q.offset() + re + channels, radius * Math.sin(phase));
                    ps.set(p.offset() + k * channels + d, pole);
                    cs.set(c.offset() + re, scale * gammas.get(gamma.offset() + 2 * at));
                    cs.set(c.offset() + re + channels, scale * gammas.get(gamma.offset() + 2 * at + 1));
                }
            }
        });
    }

    void backward(Parallel parallel, @Nullable Tensor dq, @Nullable Tensor dp, @Nullable Tensor dc, @Nullable Tensor dAlpha,
            @Nullable Tensor dDelta, @Nullable Tensor dTheta, @Nullable Tensor dGamma) {
        Reals alphas = new Reals(alpha);
        Reals deltas = new Reals(delta);
        Reals gammas = new Reals(gamma);
        Reals thetas = realsOrNull(theta);
        Reals dqs = realsOrNull(dq);
        Reals dps = realsOrNull(dp);
        Reals dcs = realsOrNull(dc);
        Reals dAlphas = realsOrNull(dAlpha);
        Reals dDeltas = realsOrNull(dDelta);
        Reals dThetas = realsOrNull(dTheta);
        Reals dGammas = realsOrNull(dGamma);
        parallel.forRanges(channels, CHANNELS, (from, end, scratch) -> {
            for (long d = from; d < end; d++) {
                double step = phaseStep(thetas, d);
                double dStep = 0;
                for (long k = 0; k < modes; k++) {
                    long at = d * modes + k;
                    long re = 2 * k * channels + d;
                    double pole = logistic(alphas.get(alpha.offset() + at));
                    double damping = logistic(deltas.get(delta.offset() + at));
                    double radius = 1 - pole * damping;
                    double cos = Math.cos((k + 1) * step);
                    double sin = Math.sin((k + 1) * step);
                    double dqRe = valueOr0(dqs, dq, re);
                    double dqIm = valueOr0(dqs, dq, re + channels);
                    double dcRe = valueOr0(dcs, dc, re) / Math.sqrt(modes);
                    double dcIm = valueOr0(dcs, dc, re + channels) / Math.sqrt(modes);
                    double dRadius = dqRe * cos + dqIm * sin;
                    dStep += (k + 1) * radius * (dqIm * cos - dqRe * sin);
                    double dPole = valueOr0(dps, dp, k * channels + d) - damping * dRadius
                            + dcRe * gammas.get(gamma.offset() + 2 * at) + dcIm * gammas.get(gamma.offset() + 2 * at + 1);
                    add(dAlphas, dAlpha, at, dPole * pole * (1 - pole));
                    add(dDeltas, dDelta, at, -pole * dRadius * damping * (1 - damping));
                    add(dGammas, dGamma, 2 * at, pole * dcRe);
                    add(dGammas, dGamma, 2 * at + 1, pole * dcIm);
                }
                if (theta != null && thetas != null) {
                    double s = logistic(thetas.get(theta.offset() + d));
                    add(dThetas, dTheta, d, 2 * Math.PI / modes * s * (1 - s) * dStep);
                }
            }
        });
    }

    private static @Nullable Reals realsOrNull(@Nullable Tensor t) {
        return t == null ? null : new Reals(t);
    }

    /** The phase of the first mode; the others have its multiples. */
    private double phaseStep(@Nullable Reals thetas, long d) {
        return theta == null || thetas == null ? 0 : 2 * Math.PI / modes * logistic(thetas.get(theta.offset() + d));
    }

    private static double logistic(double x) {
        return 1 / (1 + Math.exp(-x));
    }

    private static double valueOr0(@Nullable Reals values, @Nullable Tensor t, long at) {
        return t == null || values == null ? 0 : values.get(t.offset() + at);
    }

    private static void add(@Nullable Reals sums, @Nullable Tensor t, long at, double value) {
        if (t != null && sums != null) {
            sums.add(t.offset() + at, value);
        }
    }
}
