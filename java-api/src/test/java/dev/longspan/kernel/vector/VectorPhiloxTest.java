package dev.longspan.kernel.vector;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.kernel.Philox;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

@OnThisCpu
final class VectorPhiloxTest {

    private static final int COUNT = 100;

    @Test
    void givesPhiloxsNumbersForAnyKeyStreamAndCounter() {
        Random random = new Random(1);
        long[] firsts = {0, 1, (1L << 32) - 50, (1L << 31) - 50, -50, Long.MIN_VALUE - 50, random.nextLong()};
        try (TensorArena arena = new TensorArena()) {
            Tensor bits = arena.allocate(DType.I32, 2 * COUNT);
            for (long first : firsts) {
                for (long key : new long[] {0, -1, random.nextLong()}) {
                    long stream = random.nextLong();
                    VectorPhilox.upperBits(key, stream, first, COUNT, bits.segment());
                    assertThat(bits.slice(0, 0, COUNT).toLongs()).as("key=%d, stream=%d, first=%d", key, stream, first)
                            .isEqualTo(IntStream.range(0, COUNT)
                                    .mapToLong(i -> (int) (Philox.bits(key, stream, first + i) >>> 32)).toArray());
                }
            }
        }
    }
}
