package dev.longspan.op;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.longspan.autograd.Gradients;
import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Randomness;
import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.List;
import org.junit.jupiter.api.Test;

final class HalfWeightsTest {

    private static final Backend BACKEND = Backend.best();

    @Test
    void weightsInBfloat16MultiplyFloat32() {
        assumeThat(BACKEND.name()).isNotEqualTo("scalar");
        try (TensorArena arena = new TensorArena(); Workspace workspace = new Workspace();
                Pass pass = Pass.inference(BACKEND, Parallel.of(1), workspace)) {
            Tensor x = arena.allocate(DType.F32, 1, 3).set(new float[] {1, 2, 3});
            Tensor weight = arena.allocate(DType.BF16, 2, 3).set(new float[] {1, 1, 1, 0.5f, 0, -2});
            assertThat(Gemm.linear(pass, x, weight, null).toFloats()).containsExactly(6, -5.5f);
        }
    }

    @Test
    void weightsInBfloat16AreNotTrained() {
        try (TensorArena arena = new TensorArena(); Workspace workspace = new Workspace()) {
            Tensor x = arena.allocate(DType.F32, 1, 3);
            Tensor weight = arena.allocate(DType.BF16, 2, 3);
            Gradients gradients = new Gradients(arena, List.of(weight));
            try (Pass pass = Pass.training(BACKEND, Parallel.of(1), workspace, gradients, Randomness.NONE)) {
                assertThatThrownBy(() -> Gemm.linear(pass, x, weight, null)).isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("BF16");
            }
        }
    }
}
