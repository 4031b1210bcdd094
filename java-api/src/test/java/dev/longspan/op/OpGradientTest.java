package dev.longspan.op;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import dev.longspan.autograd.Gradients;
import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Randomness;
import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.kernel.Activation;
import dev.longspan.kernel.AttentionPattern.Branch;
import dev.longspan.kernel.AttentionPattern.Dilated;
import dev.longspan.kernel.AttentionPattern.HeadOffset;
import dev.longspan.kernel.AttentionPattern.PadKeys;
import dev.longspan.kernel.AttentionPlan;
import dev.longspan.kernel.Residual;
import dev.longspan.kernel.Rotary;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The way back of every op, through a pass, against central differences in float64: rtol 1e-6, atol 1e-8. */
class OpGradientTest {

    private static final double STEP = 1e-5;

    private final TensorArena arena = new TensorArena();
    private final Workspace workspace = new Workspace(1 << 20);
    private final Random random = new Random(7);

    @AfterEach
    void close() {
        workspace.close();
        arena.close();
    }

    private Tensor normal(long... shape) {
        Tensor tensor = arena.allocate(DType.F64, shape);
        return tensor.set(Stream.generate(random::nextGaussian).limit(tensor.elements()).mapToDouble(v -> v).toArray());
    }

    private Tensor ids(long bound, long... shape) {
        Tensor tensor = arena.allocate(DType.I64, shape);
        return tensor.set(random.longs(tensor.elements(), 0, bound).toArray());
    }

    /** {@code Σ weights ⊙ op(inputs)}, with other weights for each element so that no gradient is lost in symmetry. */
    private void check(Function<Pass, Tensor> op, Tensor... inputs) {
        Tensor[] weights = new Tensor[1];
        Function<Pass, Tensor> loss = pass -> {
            Tensor y = op.apply(pass);
            if (weights[0] == null) {
                weights[0] = normal(y.shape());
            }
            return Elementwise.sum(pass, 1, Elementwise.multiply(pass, y, weights[0]));
        };
        Gradients gradients = new Gradients(arena, Arrays.asList(inputs));
        try (Pass pass = training(gradients)) {
            pass.backward(loss.apply(pass));
        }
        for (Tensor input : inputs) {
            double[] values = input.toDoubles();
            double[] gradient = gradients.of(input).toDoubles();
            for (int i = 0; i < values.length; i++) {
                double value = values[i];
                values[i] = value + STEP;
                input.set(values);
                double above = value(gradients, loss);
                values[i] = value - STEP;
                input.set(values);
                double below = value(gradients, loss);
                values[i] = value;
                input.set(values);
                double expected = (above - below) / (2 * STEP);
                assertThat(gradient[i]).as("input %s, element %d", input, i)
                        .isCloseTo(expected, within(1e-8 + 1e-6 * Math.abs(expected)));
            }
        }
    }

    private double value(Gradients gradients, Function<Pass, Tensor> loss) {
        try (Pass pass = training(gradients)) {
            return loss.apply(pass).item();
        }
    }

    private Pass training(Gradients gradients) {
        return Pass.training(Backend.named("scalar"), Parallel.of(1), workspace, gradients, new Randomness(3, 4));
    }

    @Test
    void sumsProductsAndScales() {
        Tensor a = normal(3, 5);
        Tensor b = normal(3, 5);
        check(pass -> Elementwise.add(pass, a, b), a, b);
        check(pass -> Elementwise.add(pass, a, 1.7, b), a, b);
        check(pass -> Elementwise.add(pass, a, 1.7, a), a);
        check(pass -> Elementwise.multiply(pass, a, b), a, b);
        check(pass -> Elementwise.multiply(pass, a, a), a);
        check(pass -> Elementwise.scale(pass, -0.3, a), a);
        check(pass -> Elementwise.sum(pass, 0.3, a), a);
    }

    @Test
    void activationsAndGates() {
        Tensor a = normal(3, 5);
        Tensor b = normal(3, 5);
        for (Activation f : Activation.values()) {
            check(pass -> Elementwise.activation(pass, f, a), a);
            check(pass -> Elementwise.gated(pass, f, a, b), a, b);
            Tensor weight = normal(5, 5);
            Tensor bias = normal(5);
            check(pass -> Gemm.activated(pass, f, a, weight, bias), a, weight, bias);
            check(pass -> Gemm.gated(pass, f, a, weight, null, b), a, weight, b);
            check(pass -> Gemm.gated(pass, f, a, weight, bias, b), b);
        }
    }

    @Test
    void joinedPartsOfWhichOneComesTwiceAndOneIsASlice() {
        Tensor a = normal(2, 3, 4);
        Tensor b = normal(2, 5, 4);
        check(pass -> Concat.apply(pass, 1, List.of(a, Views.slice(pass, b, 1, 1, 3), a)), a, b);
        Tensor c = normal(3, 5, 4);
        check(pass -> Concat.apply(pass, 0, List.of(b, c)), b, c);
        assertThatIllegalArgumentException().isThrownBy(() -> check(pass -> Concat.apply(pass, 0, List.of(a, c)), a))
                .withMessage("parts must agree in all sizes but that of dimension 0: [F64[2, 3, 4], F64[3, 5, 4]]");
    }

    @Test
    void dropoutRepeatsItselfOnTheWayBack() {
        Tensor a = normal(3, 5);
        check(pass -> Elementwise.dropout(pass, 0.4, a), a);
    }

    @Test
    void linearLayersWithAndWithoutBias() {
        Tensor x = normal(2, 3, 4);
        Tensor weight = normal(5, 4);
        Tensor bias = normal(5);
        check(pass -> Gemm.linear(pass, x, weight, bias), x, weight, bias);
        check(pass -> Gemm.linear(pass, x, weight, null), x, weight);
    }

    @Test
    void norms() {
        Tensor x = normal(3, 6);
        Tensor weight = normal(6);
        Tensor bias = normal(6);
        check(pass -> Norm.layerNorm(pass, x, weight, bias, 0, 1e-5), x, weight, bias);
        check(pass -> Norm.layerNorm(pass, x, null, null, 0, 1e-2), x);
        check(pass -> Norm.rmsNorm(pass, x, weight, 1, 1e-5), x, weight);
        Tensor f = normal(3, 6);
        check(pass -> Norm.layerNorm(pass, new Residual(x, 1.7, f), null, weight, bias, 0, 1e-5), x, f, weight, bias);
        check(pass -> {
            Tensor sum = pass.allocateLike(x);
            return Elementwise.multiply(pass, sum, Norm.rmsNorm(pass, new Residual(x, 1, f), sum, weight, 1, 1e-5));
        }, x, f, weight);
        check(pass -> Norm.affine(pass, x, weight, bias, 1, 0.3), x, weight, bias);
        check(pass -> Norm.affine(pass, x, weight, null, 0, 1), x, weight);
    }

    @Test
    void softmaxOfRows() {
        Tensor x = normal(2, 3, 5);
        check(pass -> Norm.softmax(pass, x), x);
        assertThatIllegalArgumentException().isThrownBy(() -> check(pass -> Norm.softmax(pass, x.transpose(0, 2)), x))
                .withMessageContaining("x must be contiguous");
    }

    @Test
    void embeddingsOfRepeatedIds() {
        Tensor table = normal(4, 3);
        Tensor ids = ids(4, 2, 5);
        check(pass -> Embedding.apply(pass, table, ids, 1.5), table);
    }

    @Test
    void crossEntropyWithIgnoredTargets() {
        Tensor logits = normal(5, 4);
        Tensor targets = arena.allocate(DType.I64, 5).set(new long[] {0, Loss.IGNORED, 3, 2, 2});
        check(pass -> Loss.crossEntropy(pass, logits, targets), logits);
        check(pass -> Loss.meanCrossEntropy(pass, logits, targets), logits);
    }

    @Test
    void rotaryPositionsAndViews() {
        Tensor x = normal(1, 3, 2, 4);
        // Two epochs of four positions: scales near 1 keep the differences exact.
        check(pass -> Elementwise.rotary(pass, new Rotary(4, 10000, 0, 512, -1, 4, 0), 6, x), x);
        check(pass -> Elementwise.rotary(pass, Rotary.rope(4, 10000, 5), 3, x), x);
        check(pass -> Elementwise.rotary(pass, Rotary.rope(4, 10000, 0).withPairs(Rotary.Pairs.HALVES), 3, x), x);
        check(pass -> Views.reshape(pass, Elementwise.scale(pass, 2, x), 6, 4), x);
        check(pass -> Elementwise.scale(pass, 2, Views.select(pass, Views.slice(pass, x, 1, 1, 3), 0, 0)), x);
    }

    @Test
    void attentionAndItsLogSumExpAlongDilatedPlansWithDropout() {
        Tensor q = normal(2, 11, 2, 4);
        Tensor k = normal(2, 11, 2, 4);
        Tensor v = normal(2, 11, 2, 3);
        Dilated pattern = new Dilated(List.of(new Branch(4, 1), new Branch(7, 3)), HeadOffset.GROUPED, PadKeys.COUNT);
        for (boolean causal : new boolean[] {true, false}) {
            AttentionPlan plan = AttentionPlan.of(pattern, causal, 0.5);
            check(pass -> Attention.apply(pass, plan, q, k, v).out(), q, k, v);
            check(pass -> Attention.apply(pass, plan, q, k, v).lse(), q, k);
            check(pass -> Attention.apply(pass, plan.withDropout(pass.nextDropout(0.3)), q, k, v).out(), q, k, v);
        }
        AttentionPlan decayed = AttentionPlan.causal(0.5).withDecay(new Rotary(4, 10000, 0, 512, 1, 4, 0).decay());
        check(pass -> Attention.apply(pass, decayed, q, k, v).out(), q, k, v);
    }
}
