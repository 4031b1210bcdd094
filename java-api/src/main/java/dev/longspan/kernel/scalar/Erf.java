package dev.longspan.kernel.scalar;

/** The error function in double, from Abramowitz and Stegun, Handbook of Mathematical Functions, chapter 7. */
final class Erf {

    /** Below it the series takes at most 40 terms, above it the continued fraction at most 60. */
    private static final double SWITCH = 2;

    private Erf() {
    }

    /** {@code 2/√π ∫₀ˣ e^(−t²) dt}. */
    static double erf(double x) {
        return Math.abs(x) < SWITCH ? series(x) : Math.copySign(1 - fraction(Math.abs(x)), x);
    }

    /** {@code 1 − erf(x)} without cancellation for x ≥ 2. */
    static double erfc(double x) {
        if (x >= SWITCH) {
            return fraction(x);
        }
        return 1 - erf(x);
    }

    /** 7.1.6: {@code 2/√π e^(−x²) Σ 2ⁿ x²ⁿ⁺¹ / (1·3·…·(2n+1))}: all terms have one sign. */
    private static double series(double x) {
        double term = x;
        double sum = x;
        for (int n = 1; Math.abs(term) > Math.abs(sum) * 1e-17; n++) {
            term *= 2 * x * x / (2 * n + 1);
            sum += term;
        }
        return 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
    }

    /** 7.1.14: {@code e^(−x²)/√π · 1/(x + (1/2)/(x + 1/(x + (3/2)/(x + 2/(x + …)))))}. */
    private static double fraction(double x) {
        double tail = x;
        for (int n = 60; n > 0; n--) {
            tail = x + n / 2.0 / tail;
        }
        return Math.exp(-x * x) / Math.sqrt(Math.PI) / tail;
    }
}
