package dev.longspan.jmh;

import dev.longspan.autograd.Pass;
import dev.longspan.backend.Backend;
import dev.longspan.bench.Deviation;
import dev.longspan.bench.Noise;
import dev.longspan.kernel.Activation;
import dev.longspan.op.Elementwise;
import dev.longspan.op.Norm;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.Arrays;
import java.util.Map;
import java.util.SplittableRandom;

/** A function of rows in float32, {@code y = f(x)}; x: [rows, d], norms with weight and bias [d]. */
final class PointwiseProblem implements Problem {

    static final double EPS = 1e-5;

    private static final int SAMPLED_ROWS = 50;
    /** Of the largest element: a few roundings, and a norm's over its row. */
    private static final double TOLERANCE = 1e-5;

    private final TensorArena arena = new TensorArena();
    private final String function;
    private final Tensor x;
    private final Tensor weight;
    private final Tensor bias;
    private final Tensor y;
    private final Task task;

    PointwiseProblem(String function, long rows, long width) {
        this.function = function;
        x = noise(1, rows, width);
        weight = noise(2, width);
        bias = noise(3, width);
        y = arena.allocate(DType.F32, rows, width);
        task = new Task("pointwise", Map.of("function", function, "rows", rows, "width", width, "eps", EPS),
                Map.of("x", x, "weight", weight, "bias", bias), Map.of("y", y));
    }

    private Tensor noise(long seed, long... shape) {
        Tensor t = arena.allocate(DType.F32, shape);
        new Noise(seed).fill(t);
        return t;
    }

    @Override
    public String name() {
        return function + " " + x.size(0) + " x " + x.size(1);
    }

    @Override
    public Task task() {
        return task;
    }

    @Override
    public double gigabytes() {
        return 8e-9 * x.elements();
    }

    @Override
    public Side on(Backend backend, Parallel parallel) {
        return OwnSide.of(backend, parallel, task, (pass, here) -> Map.of("y", apply(pass, here.operand("x"),
                here.operand("weight"), here.operand("bias"))));
    }

    private Tensor apply(Pass pass, Tensor x, Tensor weight, Tensor bias) {
        return switch (function) {
            case "rms_norm" -> Norm.rmsNorm(pass, x, weight, 0, EPS);
            case "layer_norm" -> Norm.layerNorm(pass, x, weight, bias, 0, EPS);
            case "gelu_tanh" -> Elementwise.activation(pass, Activation.GELU_TANH, x);
            case "gelu" -> Elementwise.activation(pass, Activation.GELU, x);
            case "silu" -> Elementwise.activation(pass, Activation.SILU, x);
            case "softmax" -> Norm.softmax(pass, x);
            default -> throw unknown();
        };
    }

    private IllegalArgumentException unknown() {
        return new IllegalArgumentException("function must be rms_norm, layer_norm, gelu_tanh, gelu, silu or softmax: function="
                + function);
    }

    @Override
    public Deviation check() {
        Deviation worst = Deviation.NONE;
        SplittableRandom random = new SplittableRandom(x.elements());
        double[] weights = weight.toDoubles();
        double[] biases = bias.toDoubles();
        for (int i = 0; i < SAMPLED_ROWS; i++) {
            long row = random.nextLong(x.size(0));
            double[] expected = exact(x.select(0, row).toDoubles(), weights, biases);
            double largest = Arrays.stream(expected).map(Math::abs).max().orElse(0);
            worst = worst.worse(Deviation.of(expected, y.select(0, row).toDoubles(), TOLERANCE * largest));
        }
        return worst;
    }

    private double[] exact(double[] row, double[] weights, double[] biases) {
        double mean = function.equals("layer_norm") ? Arrays.stream(row).average().orElse(0) : 0;
        double scale = 1 / Math.sqrt(Arrays.stream(row).map(e -> (e - mean) * (e - mean)).average().orElse(0) + EPS);
        double sum = Arrays.stream(row).map(Math::exp).sum();
        double[] exact = new double[row.length];
        Arrays.setAll(exact, i -> switch (function) {
            case "rms_norm" -> row[i] * scale * weights[i];
            case "layer_norm" -> (row[i] - mean) * scale * weights[i] + biases[i];
            case "gelu_tanh" -> row[i] / 2
                    * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (row[i] + 0.044715 * row[i] * row[i] * row[i])));
            case "gelu" -> row[i] * normalBelow(row[i]);
            case "silu" -> row[i] / (1 + Math.exp(-row[i]));
            case "softmax" -> Math.exp(row[i]) / sum;
            default -> throw unknown();
        });
        return exact;
    }

    /** {@code Φ(x) = 1/2 + φ(x)·(x + x³/3 + x⁵/15 + …)}: inputs stay within ±√3. */
    private static double normalBelow(double x) {
        double term = x;
        double sum = x;
        for (int odd = 3; odd < 100; odd += 2) {
            term *= x * x / odd;
            sum += term;
        }
        return 0.5 + sum * Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
    }

    @Override
    public void close() {
        arena.close();
    }
}
