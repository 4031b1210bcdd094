package dev.longspan.op;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.longspan.autograd.Gradients;
import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Randomness;
import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.kernel.AttentionPattern.Branch;
import dev.longspan.kernel.AttentionPattern.Dilated;
import dev.longspan.kernel.AttentionPattern.HeadOffset;
import dev.longspan.kernel.AttentionPattern.PadKeys;
import dev.longspan.kernel.AttentionPlan;
import dev.longspan.kernel.Rotary;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Attention over operands stored as bfloat16, by every backend that takes them, against float64 on the same numbers. */
class HalfAttentionTest {

    /** Numbers are rounded by at most 2^-8 of them: the output once a branch, and what host multiplies in bfloat16. */
    private static final double ROUNDING = 4 * 0x1p-8;

    private static final AttentionPlan CAUSAL = AttentionPlan.causal(0.25);
    private static final List<AttentionPlan> PLANS = List.of(CAUSAL,
            AttentionPlan.of(new Dilated(List.of(new Branch(32, 1), new Branch(70, 3)), HeadOffset.GROUPED, PadKeys.COUNT), false,
                    0.25),
            CAUSAL.withGradient(AttentionPlan.Gradient.DETACHED),
            CAUSAL.withDecay(new Rotary(16, 10000, 0, 512, 1, 16, 0).decay()));

    private final TensorArena arena = new TensorArena();
    private final Workspace workspace = new Workspace(1 << 20);
    private final Random random = new Random(17);
    private final Tensor q = normal(2, 70, 3, 16);
    private final Tensor k = normal(2, 70, 3, 16);
    private final Tensor v = normal(2, 70, 3, 24);
    private final Tensor dOut = normal(2, 70, 3, 24);

    static Stream<Backend> backends() {
        return Stream.concat(Stream.of(Backend.best()), Backend.onHost().stream()).distinct()
                .filter(b -> b.reason() == null && !b.name().equals("scalar"));
    }

    @AfterEach
    void close() {
        workspace.close();
        arena.close();
    }

    /** In float32, numbers that bfloat16 has. */
    private Tensor normal(long... shape) {
        Tensor half = arena.allocate(DType.BF16, shape);
        half.set(random.doubles(half.elements(), -2, 2).toArray());
        return as(DType.F32, half);
    }

    private Tensor as(DType dtype, Tensor t) {
        return arena.allocate(dtype, t.shape()).copyFrom(t);
    }

    private Pass training(Backend backend, int threads) {
        return Pass.training(backend, Parallel.of(threads), workspace, new Gradients(arena, List.of()), Randomness.NONE);
    }

    /** out, lse, dq, dk, dv of operands that are stored so and watched. */
    private List<Tensor> watched(Backend backend, int threads, DType storage, AttentionPlan plan) {
        try (Pass pass = training(backend, threads)) {
            Tensor[] operands = Stream.of(q, k, v).map(t -> pass.watch(as(storage, t))).toArray(Tensor[]::new);
            Attention.Result result = Attention.apply(pass, plan, operands[0], operands[1], operands[2]);
            pass.backward(result.out(), as(storage, dOut));
            return Stream.of(result.out(), result.lse(), pass.gradient(operands[0]), pass.gradient(operands[1]),
                    pass.gradient(operands[2])).map(t -> as(t.dtype(), t)).toList();
        }
    }

    private static void close(String what, Tensor actual, Tensor expected, double tolerance) {
        double[] a = actual.toDoubles();
        double[] e = expected.toDoubles();
        double largest = 0;
        double off = 0;
        for (int i = 0; i < a.length; i++) {
            largest = Math.max(largest, Math.abs(e[i]));
            off = Math.max(off, Math.abs(a[i] - e[i]));
        }
        assertThat(off / largest).as(what).isLessThanOrEqualTo(tolerance);
    }

    @ParameterizedTest
    @MethodSource("backends")
    void agreesWithFloat64OnTheSameNumbers(Backend backend) {
        for (AttentionPlan plan : PLANS) {
            List<Tensor> expected = watched(Backend.named("scalar"), 1, DType.F64, plan);
            List<Tensor> actual = watched(backend, 1, DType.BF16, plan);
            assertThat(actual).extracting(Tensor::dtype).containsExactly(DType.BF16, DType.F32, DType.BF16, DType.BF16, DType.BF16);
            for (int i = 0; i < actual.size(); i++) {
                close(List.of("out", "lse", "dq", "dk", "dv").get(i) + " of " + plan, actual.get(i), expected.get(i),
                        actual.get(i).dtype() == DType.F32 ? 4e-6 : ROUNDING);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("backends")
    void givesTheSameBitsForOneAndTwoThreads(Backend backend) {
        for (AttentionPlan plan : PLANS) {
            List<Tensor> one = watched(backend, 1, DType.BF16, plan);
            List<Tensor> two = watched(backend, 2, DType.BF16, plan);
            for (int i = 0; i < one.size(); i++) {
                assertThat(two.get(i).toFloats()).as("%d of %s", i, plan).isEqualTo(one.get(i).toFloats());
            }
        }
    }

    /** As in mixed precision: what was rounded has the gradient of what it was rounded from. */
    @ParameterizedTest
    @MethodSource("backends")
    void castsTakePartInAWayBackInFloat32(Backend backend) {
        Tensor expected = throughCasts(Backend.named("scalar"), DType.F64, DType.F64);
        Tensor actual = throughCasts(backend, DType.F32, DType.BF16);
        assertThat(actual.dtype()).isEqualTo(DType.F32);
        close("dx", actual, expected, 4 * ROUNDING);
    }

    /** The gradient of a sum of squares two attentions on. */
    private Tensor throughCasts(Backend backend, DType dtype, DType storage) {
        try (Pass pass = training(backend, 1)) {
            Tensor x = pass.watch(as(dtype, q));
            Tensor stored = pass.cast(x, storage);
            Tensor first = Attention.apply(pass, CAUSAL, stored, stored, stored).out();
            Tensor out = pass.cast(Attention.apply(pass, CAUSAL, first, first, stored).out(), dtype);
            pass.backward(Elementwise.sum(pass, 1, Elementwise.multiply(pass, out, out)));
            return as(dtype, pass.gradient(x));
        }
    }

    @ParameterizedTest
    @MethodSource("backends")
    void oneTensorInEveryPlaceGetsTheSumOfItsGradients(Backend backend) {
        try (Pass pass = training(backend, 1)) {
            Tensor one = pass.watch(as(DType.BF16, q));
            Tensor[] each = {pass.watch(as(DType.BF16, q)), pass.watch(as(DType.BF16, q)), pass.watch(as(DType.BF16, q))};
            Tensor dOut = as(DType.F32, normal(2, 70, 3, 16));
            pass.backward(Attention.apply(pass, CAUSAL, one, one, one).out(), dOut);
            pass.backward(Attention.apply(pass, CAUSAL, each[0], each[1], each[2]).out(), dOut);
            Tensor sum = arena.allocate(DType.F64, q.shape());
            double[] sums = new double[Math.toIntExact(sum.elements())];
            for (Tensor t : each) {
                double[] of = pass.gradient(t).toDoubles();
                for (int i = 0; i < of.length; i++) {
                    sums[i] += of[i];
                }
            }
            close("sum", pass.gradient(one), sum.set(sums), ROUNDING);
        }
    }

    @ParameterizedTest
    @MethodSource("backends")
    void aQueryAloneReadsBfloat16(Backend backend) {
        try (Pass pass = Pass.inference(backend, Parallel.of(1), workspace)) {
            AttentionPlan last = CAUSAL.withFirstQuery(69);
            Tensor out = Attention.apply(pass, last, as(DType.BF16, q).slice(1, 69, 70), as(DType.BF16, k), as(DType.BF16, v)).out();
            close("out", as(DType.BF16, out), watched(Backend.named("scalar"), 1, DType.F64, CAUSAL).getFirst().slice(1, 69, 70),
                    ROUNDING);
        }
    }

    @Test
    void scalarRefusesBfloat16() {
        try (Pass pass = Pass.inference(Backend.named("scalar"), Parallel.of(1), workspace)) {
            Tensor half = as(DType.BF16, q);
            assertThatIllegalArgumentException().isThrownBy(() -> Attention.apply(pass, CAUSAL, half, half, half))
                    .withMessageContaining("F32 and F64: dtype=BF16");
        }
    }
}
