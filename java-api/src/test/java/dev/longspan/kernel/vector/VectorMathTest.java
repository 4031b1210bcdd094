package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.LANES;
import static dev.longspan.kernel.vector.Lanes.SPECIES;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import dev.longspan.kernel.Activation;
import dev.longspan.kernel.scalar.ScalarKernels;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.Arrays;
import java.util.function.DoubleUnaryOperator;
import java.util.function.UnaryOperator;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import org.junit.jupiter.api.Test;

/** Over every 1031st of the 2³² floats; results below 2⁻¹²¹ (32 times the smallest normal float) may be 0. */
@OnThisCpu
class VectorMathTest {

    private static final int STRIDE = 1031;
    private static final int BATCH = 1 << 16;

    private interface Batch {
        void inPlace(float[] x, int n);
    }

    @Test
    void expIsWithinOneUlp() {
        assertThat(worstUlp(Math::exp, (x, n) -> {
            for (int i = 0; i < n; i += LANES) {
                VectorMath.exp(FloatVector.fromArray(SPECIES, x, i)).intoArray(x, i);
            }
        })).isLessThanOrEqualTo(1);
    }

    @Test
    void sigmoidIsWithinTwoAndAHalfUlp() {
        assertThat(worstUlp(x -> 1 / (1 + Math.exp(-x)), (x, n) -> {
            for (int i = 0; i < n; i += LANES) {
                VectorMath.sigmoid(FloatVector.fromArray(SPECIES, x, i)).intoArray(x, i);
            }
        })).isLessThanOrEqualTo(2.5);
    }

    @Test
    void tanhIsWithinTwoUlp() {
        assertThat(worstUlp(Math::tanh, (x, n) -> {
            for (int i = 0; i < n; i += LANES) {
                tanh(FloatVector.fromArray(SPECIES, x, i)).intoArray(x, i);
            }
        })).isLessThanOrEqualTo(2);
    }

    @Test
    void siluIsWithinThreeUlp() {
        assertThat(worstUlp(x -> x / (1 + Math.exp(-x)),
                (x, n) -> activate(Activation.SILU, x, n))).isLessThanOrEqualTo(3);
    }

    @Test
    void geluIsWithinAFewUlpDownToItsTail() {
        try (TensorArena arena = new TensorArena()) {
            Tensor in = arena.allocate(DType.F64, BATCH);
            Tensor out = arena.allocate(DType.F64, BATCH);
            assertThat(worstUlp(7L * STRIDE, x -> {
                ScalarKernels.create().elementwise().activation(Parallel.all(), Activation.GELU, in.set(x), out);
                return out.toDoubles();
            }, (x, n) -> activate(Activation.GELU, x, n))).isLessThanOrEqualTo(8);
        }
    }

    @Test
    void limitsAndNaNAreRight() {
        float inf = Float.POSITIVE_INFINITY;
        float[] special = {inf, -inf, Float.NaN, 0f, -0f, Float.MAX_VALUE, -Float.MAX_VALUE, Float.MIN_VALUE};
        assertThat(map(special, VectorMath::exp)).containsExactly(inf, 0, Float.NaN, 1, 1, inf, 0, 1);
        assertThat(map(special, VectorMath::sigmoid)).containsExactly(1, 0, Float.NaN, 0.5f, 0.5f, 1, 0, 0.5f);
        assertThat(map(special, VectorMathTest::tanh)).containsExactly(1, -1, Float.NaN, 0, 0, 1, -1, Float.MIN_VALUE);
        assertThat(map(special, x -> VectorMath.normalCdf(x, VectorMath.bell(x))))
                .containsExactly(1, 0, Float.NaN, 0.5f, 0.5f, 1, 0, 0.5f);
    }

    @Test
    void expOfMinusIsWithinAUlpAndAHalf() {
        assertThat(worstUlp(x -> x < VectorMath.MINUS_LOWEST ? Double.NaN : Math.exp(-x), (x, n) -> {
            for (int i = 0; i < n; i += LANES) {
                FloatVector v = FloatVector.fromArray(SPECIES, x, i);
                VectorMath.expOfMinus(v).blend(Float.NaN, v.compare(VectorOperators.LT, VectorMath.MINUS_LOWEST))
                        .intoArray(x, i);
            }
        })).isLessThanOrEqualTo(1.5);
    }

    private static FloatVector tanh(FloatVector x) {
        return VectorMath.tanh(x, VectorMath.expOfMinus(x.abs().mul(2)));
    }

    private static void activate(Activation f, float[] x, int n) {
        try (TensorArena arena = new TensorArena()) {
            Tensor values = arena.allocate(DType.F32, n).set(x);
            VectorKernels.create().elementwise().activation(Parallel.of(1), f, values, values);
            System.arraycopy(values.toFloats(), 0, x, 0, n);
        }
    }

    private static float[] map(float[] values, UnaryOperator<FloatVector> f) {
        float[] results = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            results[i] = f.apply(FloatVector.broadcast(SPECIES, values[i])).lane(0);
        }
        return results;
    }

    private static double worstUlp(DoubleUnaryOperator exact, Batch function) {
        return worstUlp(STRIDE, x -> Arrays.stream(x).map(exact).toArray(), function);
    }

    /** The largest error in units of the last place of the exact result. */
    private static double worstUlp(long stride, UnaryOperator<double[]> exact, Batch function) {
        double worst = 0;
        double[] x = new double[BATCH];
        float[] y = new float[BATCH];
        for (long bits = 0; bits < 1L << 32;) {
            for (int i = 0; i < BATCH; i++, bits += stride) {
                y[i] = Float.intBitsToFloat((int) bits);
                x[i] = y[i];
            }
            double[] want = exact.apply(x);
            function.inPlace(y, BATCH);
            for (int i = 0; i < BATCH; i++) {
                double error = ulps(y[i], want[i]);
                if (error > 100) {
                    fail("f(" + x[i] + ") = " + y[i] + ", exactly " + want[i]);
                }
                worst = Math.max(worst, error);
            }
        }
        return worst;
    }

    private static double ulps(float got, double want) {
        if (Float.isNaN(got) || Float.isInfinite(got) || Double.isNaN(want)) {
            return Float.compare(got, (float) want) == 0 ? 0 : 1e9;
        }
        if (Math.abs(want) > Float.MAX_VALUE) {
            want = Math.copySign(Float.MAX_VALUE, want);
        }
        double error = Math.abs(got - want);
        return got == 0 && Math.abs(want) < 0x1p-121 ? 0 : error / Math.max(Math.ulp((float) want), 0x1p-149);
    }
}
