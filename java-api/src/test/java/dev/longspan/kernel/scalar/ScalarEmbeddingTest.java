package dev.longspan.kernel.scalar;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ScalarEmbeddingTest {

    private final ScalarEmbedding embedding = new ScalarEmbedding();
    private final Parallel parallel = Parallel.of(2);

    @ParameterizedTest
    @EnumSource(names = {"I32", "I64"})
    void rowsAreReadAndRepeatedIdsAddUp(DType ids) {
        try (TensorArena arena = new TensorArena()) {
            Tensor table = arena.allocate(DType.F32, 3, 2).set(1, 2, 3, 4, 5, 6);
            Tensor id = arena.allocate(ids, 4).set(2, 0, 2, 1);
            Tensor y = arena.allocate(DType.F32, 4, 2).fill(Double.NaN);
            embedding.forward(parallel, table, id, 10, y);
            assertThat(y.toDoubles()).containsExactly(50, 60, 10, 20, 50, 60, 30, 40);
            Tensor dTable = arena.allocate(DType.F32, 3, 2).fill(1);
            embedding.backward(parallel, id, 10, arena.allocate(DType.F32, 4, 2).set(1, 2, 3, 4, 5, 6, 7, 8), dTable);
            assertThat(dTable.toDoubles()).containsExactly(31, 41, 71, 81, 61, 81);
        }
    }
}
