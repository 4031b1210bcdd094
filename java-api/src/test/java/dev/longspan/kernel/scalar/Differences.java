package dev.longspan.kernel.scalar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.longspan.tensor.Tensor;
import java.util.function.DoubleSupplier;

/** Gradients by central differences, {@code (f(x + h) − f(x − h)) / 2h}, whose error is about h² and 10⁻¹⁶/h: 10⁻¹⁰. */
final class Differences {

    private static final double STEP = 1e-5;

    private Differences() {
    }

    /** {@code after − before} is the gradient of the loss with respect to x, to rtol 1e-6 and atol 1e-8. */
    static void check(String name, Tensor x, Tensor before, Tensor after, DoubleSupplier loss) {
        double[] start = before.toDoubles();
        double[] end = after.toDoubles();
        double[] values = x.toDoubles();
        for (int i = 0; i < values.length; i++) {
            double value = values[i];
            values[i] = value + STEP;
            x.set(values);
            double above = loss.getAsDouble();
            values[i] = value - STEP;
            x.set(values);
            double below = loss.getAsDouble();
            values[i] = value;
            x.set(values);
            double expected = (above - below) / (2 * STEP);
            assertThat(end[i] - start[i]).as("gradient of " + name + "[" + i + "]")
                    .isCloseTo(expected, within(1e-8 + 1e-6 * Math.abs(expected)));
        }
    }

    /** {@code Σ a ⊙ b}. */
    static double dot(Tensor a, Tensor b) {
        double[] as = a.toDoubles();
        double[] bs = b.toDoubles();
        double sum = 0;
        for (int i = 0; i < as.length; i++) {
            sum += as[i] * bs[i];
        }
        return sum;
    }
}
