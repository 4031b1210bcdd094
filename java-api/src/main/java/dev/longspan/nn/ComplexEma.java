package dev.longspan.nn;

import dev.longspan.autograd.Pass;
import dev.longspan.kernel.ScanPlan;
import dev.longspan.op.Scan;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * CEMA, the complex exponential moving average with n modes a channel: {@code hₜ = q⊙hₜ₋₁ + p⊙xₜ},
 * {@code yₜ = Σₙ Re(g⊙hₜ) + ω⊙xₜ}. Ma et al., arXiv 2404.08801, section 3.1, in the form of its released code: eq. 2 has e^(iθ) on
 * the input too, which γ absorbs.
 *
 * @param alpha [D, n, 1]: {@code p = σ(α)}
 * @param delta [D, n, 1]: {@code |q| = 1 − p·σ(δ)}
 * @param theta [D, 1, 1]: {@code arg q = k·(2π/n)·σ(θ)} for mode k = 1..n; absent for MEGA's real average
 * @param gamma [D, n, 2]: {@code g = γ/√n}
 * @param omega [D, 1]
 */
public record ComplexEma(Tensor alpha, Tensor delta, @Nullable Tensor theta, Tensor gamma, Tensor omega) implements Layer {

    /** What {@link #apply} multiplies by: computed once for many calls at inference, in each pass when training. */
    public Scan.Coefficients coefficients(Pass pass) {
        return Scan.coefficients(pass, alpha, delta, theta, gamma);
    }

    /** Output and the state to continue from; x: [B, L, D], start: [B, n, 2, D], absent at the beginning. */
    public Scan.Result apply(Pass pass, ScanPlan plan, Scan.Coefficients coefficients, Tensor x, @Nullable Tensor start) {
        return Scan.cema(pass, plan, coefficients, omega, x, start);
    }

    /** The same average with parameters that the CPU reaches. */
    public ComplexEma onHost() {
        return new ComplexEma(alpha.onHost(), delta.onHost(), theta == null ? null : theta.onHost(), gamma.onHost(), omega.onHost());
    }

    /** Modes a channel. */
    public long modes() {
        return alpha.size(1);
    }

    /** With parameters from a source, complex. */
    public static ComplexEma of(Parameters parameters, String name, long d, long modes) {
        Parameters own = parameters.within(name);
        return new ComplexEma(own.get("alpha", d, modes, 1), own.get("delta", d, modes, 1), own.get("theta", d, 1, 1),
                own.get("gamma", d, modes, 2), own.get("omega", d, 1));
    }

    /** With parameters from a source, real: MEGA's damped average. Ma et al., arXiv 2209.10655. */
    public static ComplexEma real(Parameters parameters, String name, long d, long modes) {
        Parameters own = parameters.within(name);
        return new ComplexEma(own.get("alpha", d, modes, 1), own.get("delta", d, modes, 1), null,
                own.get("gamma", d, modes, 2), own.get("omega", d, 1));
    }
}
