package dev.longspan.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.ValueLayout;
import java.math.BigDecimal;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Half-width floats, over all 2¹⁶ bit patterns. */
class ElementsTest {

    @Test
    void everyBfloat16SurvivesTheTripThroughFloat() {
        for (int bits = 0; bits < 1 << 16; bits++) {
            float value = Elements.bf16ToFloat((short) bits);
            int back = Elements.floatToBf16(value) & 0xFFFF;
            if (Float.isNaN(value)) {
                assertThat(Elements.bf16ToFloat((short) back)).as("bits=%x", bits).isNaN();
            } else {
                assertThat(back).as("bits=%x", bits).isEqualTo(bits);
            }
        }
    }

    @Test
    void everyFloat16SurvivesTheTripThroughATensor() {
        try (TensorArena arena = new TensorArena()) {
            Tensor half = arena.allocate(DType.F16, 1 << 16);
            for (int bits = 0; bits < 1 << 16; bits++) {
                half.segment().setAtIndex(ValueLayout.JAVA_SHORT, bits, (short) bits);
            }
            double[] values = half.toDoubles();
            Tensor back = arena.allocate(DType.F16, 1 << 16).copyFrom(arena.allocate(DType.F32, 1 << 16).copyFrom(half));
            for (int bits = 0; bits < 1 << 16; bits++) {
                int exponent = bits >>> 10 & 31;
                double expected = exponent == 31 ? (bits & 1023) != 0 ? Double.NaN : Double.POSITIVE_INFINITY
                        : exponent == 0 ? (bits & 1023) * 0x1p-24 : (1024 + (bits & 1023)) * Math.scalb(1.0, exponent - 25);
                assertThat(values[bits]).as("bits=%x", bits).isEqualTo((Double) (bits < 1 << 15 ? expected : -expected));
                assertThat(back.get(bits)).as("bits=%x", bits).isEqualTo((Double) values[bits]);
            }
        }
    }

    @Test
    void roundingToBfloat16TakesTheNearerNeighbourAndTiesToEven() {
        for (int bits = 0; bits < 0x7F7F; bits++) {
            float below = Elements.bf16ToFloat((short) bits);
            float above = Elements.bf16ToFloat((short) (bits + 1));
            float middle = new BigDecimal(below).add(new BigDecimal(above)).divide(BigDecimal.TWO).floatValue();
            int even = bits + (bits & 1);
            assertThat(Elements.floatToBf16(middle) & 0xFFFF).as("bits=%x", bits).isEqualTo(even);
            assertThat(Elements.floatToBf16(Math.nextDown(middle)) & 0xFFFF).as("bits=%x", bits).isEqualTo(bits);
            assertThat(Elements.floatToBf16(Math.nextUp(middle)) & 0xFFFF).as("bits=%x", bits).isEqualTo(bits + 1);
            assertThat(Elements.floatToBf16(-middle) & 0xFFFF).as("bits=%x", bits).isEqualTo(even | 0x8000);
        }
        assertThat(Elements.bf16ToFloat(Elements.floatToBf16(Float.MAX_VALUE))).isEqualTo(Float.POSITIVE_INFINITY);
        assertThat(Elements.bf16ToFloat(Elements.floatToBf16(Float.intBitsToFloat(0x7F800001)))).isNaN();
    }

    @Test
    void rowsAreRoundedAndWidenedAsTheirElementsAreWhateverTheirLengthAndPlace() {
        for (long n : new long[] {0, 1, 2, 255, 256, 257, 2 << 16}) {
            try (TensorArena arena = new TensorArena()) {
                Tensor floats = arena.allocate(DType.F32, 2, n + 1);
                Random random = new Random(n);
                for (long i = 0; i < 2 * (n + 1); i++) {
                    // Each upper half once in the longest row, beside others that would take or give a carry.
                    int bits = (int) (i << 16) | random.nextInt(3) - 1 + 0x8000 & 0xFFFF;
                    floats.segment().setAtIndex(ValueLayout.JAVA_INT, i, random.nextBoolean() ? bits : random.nextInt());
                }
                Tensor row = floats.slice(1, 1, n + 1);
                Tensor rounded = arena.allocate(DType.BF16, 2, n + 2).slice(1, 2, n + 2).copyFrom(row);
                Tensor back = arena.allocate(DType.F32, 2, n).copyFrom(rounded);
                for (int i = 0; i < 2 * n; i++) {
                    float value = (float) row.get(i / n, i % n);
                    Double expected = (double) Elements.bf16ToFloat(Elements.floatToBf16(value));
                    if (!expected.equals(rounded.get(i / n, i % n)) || !expected.equals(back.get(i / n, i % n))) {
                        assertThat(back.get(i / n, i % n)).as("n=%d, i=%d, value=%s", n, i, value).isEqualTo(expected);
                    }
                }
            }
        }
    }
}
