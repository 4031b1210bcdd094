package dev.longspan.op;

import dev.longspan.autograd.Pass;
import dev.longspan.kernel.ScanPlan;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Linear recurrences along time, with carried state. Complex numbers are two rows of channels: real, then imaginary parts. */
public final class Scan {

    private Scan() {
    }

    /**
     * What a CEMA multiplies by, always F64.
     *
     * @param q [n, 2, D]: {@code sₜ = q⊙sₜ₋₁ + xₜ}
     * @param p [n, D]: {@code h = p⊙s} is the state in the paper's terms
     * @param c [n, 2, D]: {@code yₜ = Σₙ Re(c⊙sₜ) + ω⊙xₜ}
     */
    public record Coefficients(Tensor q, Tensor p, Tensor c) {

        /** The same values in memory that outlives the pass, for many calls with the same parameters. */
        public Coefficients copy(TensorArena arena) {
            return new Coefficients(copy(arena, q), copy(arena, p), copy(arena, c));
        }

        private static Tensor copy(TensorArena arena, Tensor t) {
            return arena.allocate(t.dtype(), t.shape()).copyFrom(t);
        }
    }

    /**
     * Output and state, both differentiable.
     *
     * @param y [B, L, D]
     * @param last the state s after the last step, [B, n, 2, D]
     */
    public record Result(Tensor y, Tensor last) {
    }

    /**
     * {@code p = σ(α)}, {@code q = (1 − p·σ(δ))·e^(iφ)}, {@code φₖ = k·(2π/n)·σ(θ)}, {@code c = p·γ/√n}. alpha, delta:
     * [D, n, 1], theta: [D, 1, 1] or absent for a real average (φ = 0), gamma: [D, n, 2]. Ma et al., arXiv 2404.08801.
     */
    public static Coefficients coefficients(Pass pass, Tensor alpha, Tensor delta, @Nullable Tensor theta, Tensor gamma) {
        if (alpha.rank() != 3) {
            throw new IllegalArgumentException("alpha must be [channels, modes, 1]: alpha=" + alpha);
        }
        long channels = alpha.size(0);
        long modes = alpha.size(1);
        Shapes.checkShape("alpha", alpha, channels, modes, 1);
        Shapes.checkShape("delta", delta, channels, modes, 1);
        Shapes.checkShape("gamma", gamma, channels, modes, 2);
        if (theta != null) {
            Shapes.checkShape("theta", theta, channels, 1, 1);
        }
        for (Tensor parameter : theta == null ? List.of(alpha, delta, gamma) : List.of(alpha, delta, theta, gamma)) {
            Shapes.checkComputes(pass, "alpha, delta, theta and gamma", alpha, parameter);
            Shapes.checkContiguous("parameter", parameter);
        }
        Tensor q = pass.allocate(DType.F64, modes, 2, channels);
        Tensor p = pass.allocate(DType.F64, modes, channels);
        Tensor c = pass.allocate(DType.F64, modes, 2, channels);
        pass.kernels().coefficients().forward(pass.parallel(), alpha, delta, theta, gamma, q, p, c);
        if (pass.tracks(alpha, delta, theta, gamma)) {
            pass.record(List.of(q, p, c), () -> pass.kernels().coefficients().backward(pass.parallel(), alpha, delta,
                    theta, gamma, pass.gradientIfMade(q), pass.gradientIfMade(p), pass.gradientIfMade(c),
                    pass.gradientIfTracked(alpha), pass.gradientIfTracked(delta), pass.gradientIfTracked(theta),
                    pass.gradientIfTracked(gamma)));
        }
        return new Coefficients(q, p, c);
    }

    /**
     * {@code sₜ = q⊙sₜ₋₁ + xₜ}, {@code yₜ = Σₙ Re(c⊙sₜ) + ω⊙xₜ}; x: [B, L, D], omega: [D, 1], start: [B, n, 2, D] or absent for
     * zeros. Continuing from {@link Result#last} gives what the whole sequence gives, for any partition.
     */
    public static Result cema(Pass pass, ScanPlan plan, Coefficients coefficients, Tensor omega, Tensor x,
            @Nullable Tensor start) {
        Tensor q = coefficients.q;
        Tensor c = coefficients.c;
        checkRows(pass, x, 3);
        Shapes.checkShape("omega", omega, x.size(2), 1);
        Shapes.checkShape("q", q, q.size(0), 2, x.size(2));
        Shapes.checkComputes(pass, "x and omega", x, omega);
        long batch = x.size(0);
        long modes = q.size(0);
        checkStart(pass, x, start, batch, modes, 2, x.size(2));
        boolean tracked = pass.tracks(x, q, c, omega, start);
        Tensor y = pass.allocateLike(x);
        Tensor last = pass.allocate(x.dtype(), batch, modes, 2, x.size(2));
        Tensor kept = pass.allocate(x.dtype(), batch, tracked ? ScanPlan.blocks(x.size(1)) : 0, modes, 2, x.size(2));
        pass.kernels().scan().cema(pass.parallel(), plan, x, q, c, omega, start, y, last, tracked ? kept : null);
        if (tracked) {
            pass.record(List.of(y, last), () -> {
                boolean learns = pass.tracks(q, c);
                pass.kernels().scan().cemaBackward(pass.parallel(), plan, x, q, c, omega, kept, pass.gradient(y),
                        pass.gradientIfMade(last), pass.gradientIfTracked(x), learns ? pass.gradient(q) : null,
                        learns ? pass.gradient(c) : null, pass.gradientIfTracked(omega), pass.gradientIfTracked(start));
            });
        }
        return new Result(y, last);
    }

    /** {@code h = p⊙s}: the state in the paper's terms, [B, D, n, 2] with (real, imaginary) last. */
    public static Tensor exportState(Pass pass, Coefficients coefficients, Tensor s) {
        return CemaState.exported(pass, coefficients.p, s);
    }

    /** {@code s = h/p}: the state s of a state in the paper's terms, [B, D, n, 2]. */
    public static Tensor importState(Pass pass, Coefficients coefficients, Tensor h) {
        return CemaState.imported(pass, coefficients.p, h);
    }

    /**
     * {@code hₜ = aₜ⊙hₜ₋₁ + bₜ⊙xₜ}; x, h: [B, L, D], or complex [B, L, 2, D]; a and b: one for all steps ([D] or [2, D]) or one a
     * step (the shape of x), b absent for 1; start: [B, D] or [B, 2, D], absent for zeros. The state to continue from is h's
     * last row in the order of the plan.
     */
    public static Tensor recurrence(Pass pass, ScanPlan plan, Tensor a, @Nullable Tensor b, Tensor x,
            @Nullable Tensor start) {
        checkRows(pass, x, x.rank() == 4 ? 4 : 3);
        boolean complex = x.rank() == 4;
        if (complex && x.size(2) != 2) {
            throw new IllegalArgumentException("complex x must be [batch, rows, 2, channels]: x=" + x);
        }
        checkFactor(pass, "a", a, x);
        if (b != null) {
            checkFactor(pass, "b", b, x);
        }
        if (complex) {
            checkStart(pass, x, start, x.size(0), 2, x.size(3));
        } else {
            checkStart(pass, x, start, x.size(0), x.size(2));
        }
        Tensor h = pass.allocateLike(x);
        pass.kernels().recurrence().forward(pass.parallel(), plan, a, b, x, start, h);
        if (pass.tracks(a, b, x, start)) {
            pass.record(h, () -> pass.kernels().recurrence().backward(pass.parallel(), plan, a, b, x, start, h,
                    pass.gradient(h), pass.gradientIfTracked(a), pass.gradientIfTracked(b), pass.gradientIfTracked(x),
                    pass.gradientIfTracked(start)));
        }
        return h;
    }

    private static void checkRows(Pass pass, Tensor x, int rank) {
        if (x.rank() != rank) {
            throw new IllegalArgumentException("x must be [batch, rows, channels]: x=" + x);
        }
        Shapes.checkComputes(pass, "x", x);
        Shapes.checkContiguous("x", x);
    }

    private static void checkStart(Pass pass, Tensor x, @Nullable Tensor start, long... shape) {
        if (start != null) {
            Shapes.checkShape("start", start, shape);
            Shapes.checkContiguous("start", start);
            Shapes.checkComputes(pass, "x and start", x, start);
        }
    }

    private static void checkFactor(Pass pass, String name, Tensor factor, Tensor x) {
        Shapes.checkComputes(pass, name + " and x", factor, x);
        Shapes.checkContiguous(name, factor);
        if (factor.rank() == x.rank()) {
            Shapes.checkSame(name + " and x", factor, x);
        } else if (x.rank() == 4) {
            Shapes.checkShape(name, factor, 2, x.size(3));
        } else {
            Shapes.checkShape(name, factor, x.size(2));
        }
    }
}
