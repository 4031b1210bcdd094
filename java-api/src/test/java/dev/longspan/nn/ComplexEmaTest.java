package dev.longspan.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.longspan.autograd.Gradients;
import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Randomness;
import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.kernel.ScanPlan;
import dev.longspan.op.Elementwise;
import dev.longspan.op.Scan;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class ComplexEmaTest {

    private final TensorArena arena = new TensorArena();
    private final Workspace workspace = new Workspace(1 << 20);
    private final Parameters parameters = Init.parameters(arena, DType.F64, 1, (name, shape) -> Init.normal(1));
    private final Random random = new Random(2);

    @AfterEach
    void close() {
        workspace.close();
        arena.close();
    }

    @Test
    void oneModeByTheEquationsOfThePaper() {
        ComplexEma ema = ComplexEma.of(parameters, "cema", 1, 1);
        double p = logistic(ema.alpha().item());
        double radius = 1 - p * logistic(ema.delta().item());
        double phase = 2 * Math.PI * logistic(ema.theta() == null ? 0 : ema.theta().item());
        double[] x = {0.5, -1, 2};
        double hr = 0;
        double hi = 0;
        try (Pass pass = inference()) {
            Tensor y = ema.apply(pass, ScanPlan.forward(), ema.coefficients(pass), pass.allocate(DType.F64, 1, 3, 1).set(x), null).y();
            for (int t = 0; t < 3; t++) {
                double re = radius * (Math.cos(phase) * hr - Math.sin(phase) * hi) + p * x[t];
                hi = radius * (Math.cos(phase) * hi + Math.sin(phase) * hr);
                hr = re;
                double expected = ema.gamma().get(0, 0, 0) * hr - ema.gamma().get(0, 0, 1) * hi + ema.omega().item() * x[t];
                assertThat(y.get(0, t, 0)).isCloseTo(expected, within(1e-12));
            }
        }
    }

    @Test
    void copiedCoefficientsServeManyCallsAndTheirStateContinues() {
        ComplexEma ema = ComplexEma.of(parameters, "cema", 3, 4);
        Tensor x = arena.allocate(DType.F64, 1, 20, 3).set(random.doubles(60).toArray());
        try (Pass pass = inference()) {
            Scan.Coefficients kept = ema.coefficients(pass).copy(arena);
            Tensor whole = ema.apply(pass, ScanPlan.forward(), ema.coefficients(pass), x, null).y();
            Tensor state = null;
            for (int t = 0; t < 20; t++) {
                Scan.Result one = ema.apply(pass, ScanPlan.forward(), kept, x.slice(1, t, t + 1), state);
                assertThat(one.y().toDoubles()).isEqualTo(whole.slice(1, t, t + 1).toDoubles());
                state = one.last();
            }
        }
    }

    @Test
    void aStateInThePapersTermsComesBackAsItWas() {
        ComplexEma ema = ComplexEma.of(parameters, "cema", 3, 4);
        try (Pass pass = inference()) {
            Scan.Coefficients k = ema.coefficients(pass);
            Tensor s = pass.allocate(DType.F64, 2, 4, 2, 3).set(random.doubles(48).toArray());
            Tensor h = Scan.exportState(pass, k, s);
            assertThat(h.shape()).containsExactly(2, 3, 4, 2);
            assertThat(h.get(1, 2, 3, 1)).isEqualTo(s.get(1, 3, 1, 2) * k.p().get(3, 2));
            assertThat(Scan.importState(pass, k, h).toDoubles()).containsExactly(s.toDoubles(), within(1e-14));
        }
    }

    @Test
    void bothDirectionsAddUpAndEachLearns() {
        BidirectionalEma ema = new BidirectionalEma(ComplexEma.of(parameters, "forward", 2, 3),
                ComplexEma.of(parameters, "backward", 2, 3));
        assertThat(ema.parameters()).containsKeys("forward.alpha", "backward.omega").hasSize(10);
        Tensor x = arena.allocate(DType.F64, 1, 9, 2).set(random.doubles(18).toArray());
        Gradients gradients = new Gradients(arena, ema.parameters().values());
        try (Pass pass = Pass.training(Backend.named("scalar"), Parallel.of(1), workspace, gradients, Randomness.NONE)) {
            Tensor y = ema.apply(pass, ScanPlan.forward(), x);
            Tensor after = ema.backward().apply(pass, ScanPlan.forward().backwards(), ema.backward().coefficients(pass), x, null).y();
            Tensor before = ema.forward().apply(pass, ScanPlan.forward(), ema.forward().coefficients(pass), x, null).y();
            assertThat(y.get(0, 4, 1)).isEqualTo(before.get(0, 4, 1) + after.get(0, 4, 1));
            pass.backward(Elementwise.sum(pass, 1, y));
        }
        ema.parameters().forEach((name, parameter) ->
                assertThat(Arrays.stream(gradients.of(parameter).toDoubles()).anyMatch(g -> g != 0)).as(name).isTrue());
    }

    @Test
    void aRealAverageHasNoThetaAndNoImaginaryState() {
        ComplexEma ema = ComplexEma.real(parameters, "ema", 2, 3);
        assertThat(ema.parameters()).containsOnlyKeys("alpha", "delta", "gamma", "omega");
        try (Pass pass = inference()) {
            Tensor x = pass.allocate(DType.F64, 1, 5, 2).fill(1);
            Tensor last = ema.apply(pass, ScanPlan.forward(), ema.coefficients(pass), x, null).last();
            assertThat(last.select(2, 1).toDoubles()).containsOnly(0);
        }
    }

    @Test
    void aStateOfAnotherShapeIsRefused() {
        ComplexEma ema = ComplexEma.of(parameters, "cema", 3, 4);
        try (Pass pass = inference()) {
            Tensor x = pass.zeros(DType.F64, 2, 5, 3);
            Tensor wrong = pass.zeros(DType.F64, 1, 4, 2, 3);
            assertThatThrownBy(() -> ema.apply(pass, ScanPlan.forward(), ema.coefficients(pass), x, wrong))
                    .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("start must have shape [2, 4, 2, 3]");
        }
    }

    private Pass inference() {
        return Pass.inference(Backend.named("scalar"), Parallel.of(1), workspace);
    }

    private static double logistic(double x) {
        return 1 / (1 + Math.exp(-x));
    }
}
