package dev.longspan.longnet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.longspan.autograd.Gradients;
import dev.longspan.autograd.Pass;
import dev.longspan.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;

/** Gradients by central differences, {@code (f(x + h) − f(x − h)) / 2h}, to rtol 1e-6 and atol 1e-8. */
public final class GradientCheck {

    private static final double STEP = 1e-5;
    private static final int ELEMENTS = 5;

    private GradientCheck() {
    }

    /** Checks a few elements of every parameter, and of an input where there is one. */
    public static void run(Bench bench, Map<String, Tensor> parameters, List<Tensor> inputs, Function<Pass, Tensor> loss) {
        Gradients gradients = new Gradients(bench.arena, parameters.values());
        List<double[]> dInputs = new ArrayList<>();
        try (Pass pass = bench.training(gradients)) {
            inputs.forEach(pass::watch);
            pass.backward(loss.apply(pass));
            inputs.forEach(input -> dInputs.add(pass.gradient(input).toDoubles()));
        }
        parameters.forEach((name, parameter) ->
                check(name, parameter, gradients.of(parameter).toDoubles(), () -> value(bench, gradients, loss)));
        for (int i = 0; i < inputs.size(); i++) {
            check("input " + i, inputs.get(i), dInputs.get(i), () -> value(bench, gradients, loss));
        }
    }

    private static double value(Bench bench, Gradients gradients, Function<Pass, Tensor> loss) {
        try (Pass pass = bench.training(gradients)) {
            return loss.apply(pass).item();
        }
    }

    private static void check(String name, Tensor tensor, double[] gradient, java.util.function.DoubleSupplier loss) {
        double[] values = tensor.toDoubles();
        Random random = new Random(name.hashCode());
        for (int n = 0; n < Math.min(ELEMENTS, values.length); n++) {
            int i = values.length <= ELEMENTS ? n : random.nextInt(values.length);
            double value = values[i];
            values[i] = value + STEP;
            tensor.set(values);
            double above = loss.getAsDouble();
            values[i] = value - STEP;
            tensor.set(values);
            double below = loss.getAsDouble();
            values[i] = value;
            tensor.set(values);
            double expected = (above - below) / (2 * STEP);
            assertThat(gradient[i]).as("gradient of %s[%d]", name, i)
                    .isCloseTo(expected, within(1e-8 + 1e-6 * Math.abs(expected)));
        }
    }
}
