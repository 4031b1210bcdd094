package dev.longspan.kernel.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.longspan.bindings.HostLibrary;
import dev.longspan.kernel.AttentionKernel;
import dev.longspan.kernel.AttentionPattern.Branch;
import dev.longspan.kernel.AttentionPattern.CompactDilated;
import dev.longspan.kernel.AttentionPattern.HeadOffset;
import dev.longspan.kernel.AttentionPlan;
import dev.longspan.kernel.Kernels;
import dev.longspan.kernel.RandomTensors;
import dev.longspan.kernel.scalar.ScalarKernels;
import dev.longspan.kernel.vector.VectorKernels;
import dev.longspan.parallel.CancelSignal;
import dev.longspan.parallel.CancelledException;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** What the C++ kernels promise beyond agreement: the vector backend's bits, refusals, and a stop when asked to. */
@WithTheLibrary
final class HostBitsTest {

    private final Kernels host = HostKernels.create(ScalarKernels.create());
    private final Parallel one = Parallel.of(1);
    private final TensorArena arena = new TensorArena();
    private final RandomTensors tensors = new RandomTensors(arena, new Random(1), DType.F32);

    @AfterEach
    void free() {
        arena.close();
    }

    @Test
    void productsHaveTheVectorBackendsBits() {
        Assumptions.assumeFalse(HostLibrary.get().tier().equals("portable"), "the portable tier has no fused multiply-add");
        Kernels vector = VectorKernels.create();
        for (int rows : new int[] {1, 4, 5, 97}) {
            Tensor a = tensors.contiguous(rows, 2500);
            Tensor b = tensors.contiguous(2500, 67);
            Tensor bias = tensors.contiguous(67);
            Tensor expected = arena.allocate(DType.F32, rows, 67);
            Tensor actual = arena.allocate(DType.F32, rows, 67);
            vector.gemm().gemm(one, a, b, bias, expected, false);
            host.gemm().gemm(one, a, b, bias, actual, false);
            assertThat(actual.toFloats()).as("rows=%d", rows).isEqualTo(expected.toFloats());
        }
    }

    @Test
    void keysAndValuesInBfloat16GiveTheBitsOfTheSameNumbersInFloat32() {
        for (AttentionKernel kernel : List.of(host.attention(), VectorKernels.create().attention())) {
            for (int dim : new int[] {17, 64, 80}) {
                for (int queries : new int[] {1, 40}) {
                    Tensor q = tensors.contiguous(1, queries, 2, dim);
                    Tensor k = halves(1, 150, 2, dim);
                    Tensor v = halves(1, 150, 2, dim + 3);
                    AttentionPlan dense = AttentionPlan.causal(0.3).withFirstQuery(149 - queries);
                    AttentionPlan compact = AttentionPlan.of(new CompactDilated(new Branch(1000, 3), HeadOffset.GROUPED, 0), true, 0.3)
                            .withFirstQuery(449 - queries);
                    for (AttentionPlan plan : List.of(dense, compact)) {
                        float[] expected = attention(kernel, plan, q, floats(k), floats(v));
                        assertThat(attention(kernel, plan, q, k, v)).as("%s, dim=%d, queries=%d, %s", kernel, dim, queries, plan)
                                .isEqualTo(expected);
                    }
                }
            }
        }
    }

    private Tensor halves(long... shape) {
        return arena.allocate(DType.BF16, shape).copyFrom(tensors.contiguous(shape));
    }

    private Tensor floats(Tensor halves) {
        return arena.allocate(DType.F32, halves.shape()).copyFrom(halves);
    }

    private float[] attention(AttentionKernel kernel, AttentionPlan plan, Tensor q, Tensor k, Tensor v) {
        Tensor out = arena.allocate(DType.F32, 1, q.size(1), q.size(2), v.size(3));
        kernel.forward(Parallel.of(2), plan, q, k, v, out,
                arena.allocate(DType.F32, 1, q.size(2), q.size(1)).fill(Double.NEGATIVE_INFINITY));
        return out.toFloats();
    }

    @Test
    void shapesThatDoNotFitAreRefusedBeforeAnyDowncall() {
        Tensor small = tensors.contiguous(3, 4);
        assertThatIllegalArgumentException().isThrownBy(() -> host.gemm().gemm(one, small, tensors.contiguous(5, 6), null,
                tensors.contiguous(3, 6), false)).withMessageContaining("shapes must fit");
        assertThatThrownBy(() -> host.elementwise().add(one, small, tensors.contiguous(2), tensors.contiguous(100)))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatIllegalArgumentException().isThrownBy(() -> host.embedding().forward(one, small,
                arena.allocate(DType.I32, 2).set(new long[] {0, 3}), 1, tensors.contiguous(2, 4)))
                .withMessageContaining("ids must be within the table: ids[1]=3, vocabulary=3");
        assertThatIllegalArgumentException().isThrownBy(() -> host.elementwise().fill(one, arena.allocate(DType.F64, 3), 1))
                .withMessageContaining("compute with F32");
        Tensor q = tensors.contiguous(1, 8, 2, 4);
        assertThatIllegalArgumentException().isThrownBy(() -> host.attention().forward(one, AttentionPlan.dense(1), q, q, q,
                tensors.contiguous(1, 7, 2, 4), tensors.contiguous(1, 2, 8))).withMessageContaining("shapes must fit");
    }

    @Test
    void aClosedTensorIsRefused() {
        TensorArena other = new TensorArena();
        Tensor gone = other.allocate(DType.F32, 8);
        other.close();
        assertThatThrownBy(() -> host.elementwise().fill(one, gone, 1)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void aRaisedSignalStopsAKernel() {
        CancelSignal signal = new CancelSignal();
        Parallel stoppable = one.cancelledBy(signal);
        signal.raise();
        Tensor a = tensors.contiguous(20, 20);
        assertThatThrownBy(() -> host.gemm().gemm(stoppable, a, a, null, arena.allocate(DType.F32, 20, 20), false))
                .isInstanceOf(CancelledException.class);
        assertThatThrownBy(() -> Status.check(1)).isInstanceOf(CancelledException.class);
    }
}
