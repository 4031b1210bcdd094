package dev.longspan.kernel.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.longspan.checkpoint.Safetensors;
import dev.longspan.kernel.AttentionPlan;
import dev.longspan.kernel.Kernels;
import dev.longspan.kernel.scalar.ScalarKernels;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Operands stored as bfloat16: no worse than PyTorch's kernels on the same numbers, both measured against float64. */
@WithTheLibrary
final class HostBf16Test {

    private static final Parallel TWO = Parallel.of(2);

    private final Kernels host = HostKernels.create(ScalarKernels.create());
    private final Kernels exact = ScalarKernels.create();
    private final TensorArena arena = new TensorArena();
    private Safetensors file;
    private Map<String, Tensor> torch;

    @BeforeEach
    void open() throws Exception {
        file = Safetensors.open(Path.of(HostBf16Test.class.getResource("/bf16/torch.safetensors").toURI()));
        torch = file.tensors();
    }

    @AfterEach
    void close() {
        file.close();
        arena.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"linear", "deep", "decode"})
    void productsRoundOnce(String name) {
        Tensor x = torch.get(name + ".x");
        Tensor weight = torch.get(name + ".weight").transpose(0, 1);
        Tensor bias = torch.get(name + ".bias");
        Tensor y = arena.allocate(DType.BF16, x.size(0), weight.size(1));
        host.gemm().gemm(TWO, x, weight, bias, y, false);
        Tensor truth = arena.allocate(DType.F64, y.shape());
        exact.gemm().gemm(TWO, as(DType.F64, x), as(DType.F64, weight), as(DType.F64, bias), truth, false);
        noWorse(name, y, torch.get(name + ".y"), truth);
        // But for sums next to the middle between two numbers.
        float[] once = as(DType.BF16, truth).toFloats();
        float[] actual = y.toFloats();
        long others = IntStream.range(0, once.length).filter(i -> actual[i] != once[i]).count();
        assertThat(others).as("elements of %s that are not the rounded sum", name).isLessThanOrEqualTo(once.length / 50);
    }

    @ParameterizedTest
    @ValueSource(strings = {"full", "causal"})
    void attentionIsNoWorse(String name) {
        AttentionPlan plan = AttentionPlan.dense(1 / Math.sqrt(32));
        plan = name.equals("causal") ? AttentionPlan.causal(plan.scale()) : plan;
        Tensor[] halves = attention(host, plan, name, DType.BF16, DType.F32);
        Tensor[] truths = attention(exact, plan, name, DType.F64, DType.F64);
        String[] results = {"out", "dq", "dk", "dv"};
        for (int i = 0; i < results.length; i++) {
            noWorse(name + " " + results[i], halves[i], rows(name + "." + results[i]), truths[i]);
        }
    }

    @Test
    void mixesStorageOfOneProduct() {
        Tensor x = as(DType.F32, torch.get("linear.x"));
        Tensor weight = torch.get("linear.weight").transpose(0, 1);
        Tensor expected = arena.allocate(DType.F32, x.size(0), weight.size(1));
        Tensor actual = arena.allocate(DType.F32, expected.shape());
        host.gemm().gemm(TWO, x, as(DType.F32, weight), null, expected, false);
        host.gemm().gemm(TWO, x, weight, null, actual, false);
        assertThat(actual.toFloats()).isEqualTo(expected.toFloats());
    }

    @Test
    void refusesAttentionOverTensorsOfSeveralTypes() {
        Tensor q = rows("full.q");
        Tensor lse = arena.allocate(DType.F32, q.size(0), q.size(2), q.size(1));
        assertThatIllegalArgumentException().isThrownBy(() -> host.attention().forward(TWO, AttentionPlan.dense(1), q, q, q,
                arena.allocate(DType.F32, q.shape()), lse)).withMessageContaining("q, k, v and out must have one dtype");
    }

    /** out, dq, dk, dv. */
    private Tensor[] attention(Kernels kernels, AttentionPlan plan, String name, DType dtype, DType sums) {
        Tensor q = as(dtype, rows(name + ".q"));
        Tensor k = as(dtype, rows(name + ".k"));
        Tensor v = as(dtype, rows(name + ".v"));
        Tensor out = arena.allocate(dtype, q.shape());
        Tensor lse = arena.allocate(sums, q.size(0), q.size(2), q.size(1)).fill(Double.NEGATIVE_INFINITY);
        Tensor[] gradients = {arena.allocate(sums, q.shape()), arena.allocate(sums, q.shape()), arena.allocate(sums, q.shape())};
        kernels.attention().forward(TWO, plan, q, k, v, out, lse);
        kernels.attention().backward(TWO, plan, q, k, v, out, lse, as(dtype, rows(name + ".dOut")), null, gradients[0],
                gradients[1], gradients[2]);
        return new Tensor[] {out, gradients[0], gradients[1], gradients[2]};
    }

    /** Of the file's [B, H, N, D] the [B, N, H, D]. */
    private Tensor rows(String name) {
        return torch.get(name).transpose(1, 2);
    }

    private Tensor as(DType dtype, Tensor tensor) {
        return arena.allocate(dtype, tensor.shape()).set(tensor.toDoubles());
    }

    private static void noWorse(String what, Tensor actual, Tensor peer, Tensor truth) {
        double[] own = errors(actual, truth);
        double[] its = errors(peer, truth);
        assertThat(own[0]).as("largest error of %s, PyTorch's %g", what, its[0]).isLessThanOrEqualTo(2 * its[0]);
        assertThat(own[1]).as("mean error of %s, PyTorch's %g", what, its[1]).isLessThanOrEqualTo(1.5 * its[1]);
    }

    /** The largest and the mean one. */
    private static double[] errors(Tensor actual, Tensor truth) {
        double[] a = actual.toDoubles();
        double[] t = truth.toDoubles();
        double most = 0;
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            double error = Math.abs(a[i] - t[i]);
            most = error <= most ? most : error;
            sum += error;
        }
        return new double[] {most, sum / a.length};
    }
}
