package dev.longspan.kernel.scalar;

import dev.longspan.kernel.Activation;

/** Values and slopes of the activations. */
final class ScalarActivation {

    private static final double TANH_SCALE = Math.sqrt(2 / Math.PI);
    private static final double TANH_CUBIC = 0.044715;

    private ScalarActivation() {
    }

    /** {@code f(x)}. */
    static double value(Activation f, double x) {
        return switch (f) {
            case RELU -> Math.max(x, 0);
            case GELU -> x * normalCdf(x);
            case GELU_TANH -> x / 2 * (1 + geluTanh(x));
            case SILU -> x * logistic(x);
            case TANH -> Math.tanh(x);
        };
    }

    /** {@code f'(x)}. */
    static double slope(Activation f, double x) {
        return switch (f) {
            case RELU -> x > 0 ? 1 : 0;
            case GELU -> normalCdf(x) + x * Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
            case GELU_TANH -> {
                double t = geluTanh(x);
                yield (1 + t) / 2 + x / 2 * (1 - t * t) * TANH_SCALE * (1 + 3 * TANH_CUBIC * x * x);
            }
            case SILU -> logistic(x) * (1 + x * (1 - logistic(x)));
            case TANH -> 1 - Math.tanh(x) * Math.tanh(x);
        };
    }

    private static double normalCdf(double x) {
        return Erf.erfc(-x / Math.sqrt(2)) / 2;
    }

    private static double geluTanh(double x) {
        return Math.tanh(TANH_SCALE * (x + TANH_CUBIC * x * x * x));
    }

    private static double logistic(double x) {
        return 1 / (1 + Math.exp(-x));
    }
}
