package dev.longspan.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TensorTest {

    private final TensorArena arena = new TensorArena();

    /** 0, 1, 2, … in row-major order. */
    private Tensor counting(long... shape) {
        Tensor tensor = arena.allocate(DType.I64, shape);
        return tensor.set(IntStream.range(0, (int) tensor.elements()).asLongStream().toArray());
    }

    @AfterEach
    void close() {
        arena.close();
    }

    @Test
    void viewsShowTheElementsOfTheWhole() {
        Tensor x = counting(2, 3, 4);
        assertThat(x.slice(1, 1, 3).toLongs()).containsExactly(4, 5, 6, 7, 8, 9, 10, 11, 16, 17, 18, 19, 20, 21, 22, 23);
        assertThat(x.select(1, 2).toLongs()).containsExactly(8, 9, 10, 11, 20, 21, 22, 23);
        assertThat(x.select(-1, 3).transpose(0, 1).toLongs()).containsExactly(3, 15, 7, 19, 11, 23);
        assertThat(x.transpose(0, 2).get(3, 1, 1)).isEqualTo(19);
        assertThat(x.select(0, 1).reshape(2, -1).toLongs()).containsExactly(12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23);
        x.slice(2, 1, 2).fill(-1);
        assertThat(x.select(0, 0).toLongs()).containsExactly(0, -1, 2, 3, 4, -1, 6, 7, 8, -1, 10, 11);
    }

    @Test
    void rankZeroHoldsOneElement() {
        Tensor scalar = arena.allocate(DType.F32).fill(3);
        assertThat(scalar.item()).isEqualTo(3);
        assertThat(scalar.get()).isEqualTo(3);
        assertThat(scalar.elements()).isEqualTo(1);
        assertThat(scalar.reshape(1, 1).shape()).containsExactly(1, 1);
        assertThat(counting(4).select(0, 2).item()).isEqualTo(2);
    }

    @Test
    void dimensionsMayBeEmpty() {
        Tensor empty = arena.allocate(DType.F32, 2, 0, 3);
        assertThat(empty.toFloats()).isEmpty();
        assertThat(empty.isContiguous()).isTrue();
        assertThat(empty.reshape(0, 7).size(1)).isEqualTo(7);
        assertThat(counting(5).slice(0, 5, 5).toLongs()).isEmpty();
        assertThat(empty.copyFrom(arena.allocate(DType.F64, 2, 0, 3))).isSameAs(empty);
    }

    @Test
    void rowsAreOneViewOfTheLastDimension() {
        Tensor x = counting(2, 3, 4);
        assertThat(x.rows().shape()).containsExactly(6, 4);
        assertThat(x.rows().get(5, 3)).isEqualTo(x.get(1, 2, 3));
        assertThat(x.rows()).isSameAs(x.rows()).isSameAs(x.rows().rows());
        assertThat(counting(3).rows().shape()).containsExactly(1, 3);
        assertThat(arena.allocate(DType.F32, 2, 0).rows().shape()).containsExactly(2, 0);
        assertThatIllegalArgumentException().isThrownBy(() -> arena.allocate(DType.F32).rows()).withMessageContaining("dimension");
        assertThatIllegalArgumentException().isThrownBy(() -> x.transpose(0, 1).rows()).withMessageContaining("contiguous");
    }

    @Test
    void contiguousMeansRowMajorWithoutGaps() {
        Tensor x = counting(4, 3);
        assertThat(x.isContiguous()).isTrue();
        assertThat(x.slice(0, 1, 3).isContiguous()).isTrue();
        assertThat(x.slice(1, 0, 2).isContiguous()).isFalse();
        assertThat(x.transpose(0, 1).isContiguous()).isFalse();
        assertThat(x.slice(0, 2, 3).transpose(0, 1).isContiguous()).isTrue();
        assertThatIllegalArgumentException().isThrownBy(() -> x.transpose(0, 1).reshape(12)).withMessageContaining("contiguous");
    }

    @Test
    void impossibleShapesAndViewsAreRefusedWithTheirNumbers() {
        Tensor x = counting(2, 3);
        assertThatIllegalArgumentException().isThrownBy(() -> x.reshape(4, 2)).withMessageContaining("[4, 2]");
        assertThatIllegalArgumentException().isThrownBy(() -> x.reshape(-1, -1)).withMessageContaining("-1");
        assertThatIllegalArgumentException().isThrownBy(() -> x.reshape(-2, -3)).withMessageContaining("[-2, -3]");
        assertThatIllegalArgumentException().isThrownBy(() -> x.reshape(-1, 0));
        assertThatIllegalArgumentException().isThrownBy(() -> x.slice(0, 1, 3)).withMessageContaining("to=3");
        assertThatIllegalArgumentException().isThrownBy(() -> x.slice(2, 0, 1)).withMessageContaining("dim=2");
        assertThatIllegalArgumentException().isThrownBy(() -> x.select(0, 2));
        assertThatThrownBy(() -> x.get(0, 3)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatIllegalArgumentException().isThrownBy(() -> x.get(0)).withMessageContaining("rank 2");
        assertThatIllegalArgumentException().isThrownBy(() -> x.set(1, 2, 3)).withMessageContaining("values=3");
        assertThatIllegalArgumentException().isThrownBy(x::item);
        assertThatIllegalArgumentException().isThrownBy(() -> x.copyFrom(counting(3, 2))).withMessageContaining("[3, 2]");
        assertThatIllegalArgumentException().isThrownBy(() -> arena.allocate(DType.F32, 2, -1)).withMessageContaining("-1");
        assertThatIllegalArgumentException().isThrownBy(() -> arena.allocate(DType.F32, 1L << 40, 1L << 40))
                .withMessageContaining("too large");
        assertThatIllegalArgumentException().isThrownBy(() -> Tensor.of(x.storage(), 1, DType.I64, 6))
                .withMessageContaining("offset=1");
        assertThatIllegalArgumentException().isThrownBy(() -> Tensor.of(x.storage(), -1, DType.I64, 1));
    }

    @ParameterizedTest
    @EnumSource
    void everyDTypeHoldsSmallWholeNumbers(DType dtype) {
        Tensor x = arena.allocate(dtype, 3).set(1, 0, 2);
        assertThat(x.toDoubles()).containsExactly(1, 0, 2);
        assertThat(arena.allocate(dtype, 3).set(new long[]{1, 0, 2}).toFloats()).containsExactly(1, 0, 2);
        assertThat(arena.allocate(dtype, 3).set(new float[]{1, 0, 2}).toDoubles()).containsExactly(1, 0, 2);
        assertThat(arena.allocate(DType.F64, 3).copyFrom(x).toDoubles()).containsExactly(1, 0, 2);
        assertThat(arena.allocate(dtype, 3).copyFrom(arena.allocate(DType.I32, 3).set(1, 0, 2)).toDoubles())
                .containsExactly(1, 0, 2);
    }

    @Test
    void longsKeepAllTheirBits() {
        long large = (1L << 53) + 1;
        Tensor x = arena.allocate(DType.I64, 1).set(new long[]{large});
        assertThat(arena.allocate(DType.I64, 1, 1).reshape(1).copyFrom(x).toLongs()).containsExactly(large);
        assertThatIllegalArgumentException().isThrownBy(() -> arena.allocate(DType.F32, 1).toLongs())
                .withMessageContaining("F32");
    }

    @Test
    void stridedCopiesConvertElementByElement() {
        Tensor x = counting(3, 4).transpose(0, 1);
        Tensor y = arena.allocate(DType.BF16, 3, 5).slice(1, 0, 4).transpose(0, 1).copyFrom(x);
        assertThat(y.toDoubles()).containsExactly(0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11);
    }
}
