package dev.longspan.nn;

import dev.longspan.tensor.Tensor;
import java.util.Arrays;

/**
 * Tells models apart: 64 bits of FNV-1a over names, dtypes, shapes and a sample of the values of all parameters, and over
 * settings that the parameters do not show.
 */
public final class Fingerprint {

    /** Values of each parameter that count, evenly spread. */
    private static final long SAMPLE = 64;
    private static final long BASIS = 0xCBF29CE484222325L;
    private static final long PRIME = 0x100000001B3L;

    private Fingerprint() {
    }

    /**
     * The fingerprint of a model as its weights are now.
     *
     * @param settings its configuration as text
     */
    public static long of(Layer model, String settings) {
        long[] hash = {BASIS};
        settings.chars().forEach(c -> add(hash, c));
        model.parameters().forEach((name, parameter) -> {
            add(hash, name.hashCode());
            add(hash, parameter.dtype().name().hashCode());
            add(hash, Arrays.hashCode(parameter.shape()));
            Tensor values = parameter.reshape(parameter.elements());
            long count = Math.min(SAMPLE, values.elements());
            for (long i = 0; i < count; i++) {
                add(hash, Double.doubleToLongBits(values.get(Math.floorDiv(i * (values.elements() - 1), Math.max(1, count - 1)))));
            }
        });
        return hash[0];
    }

    private static void add(long[] hash, long value) {
        for (int shift = 0; shift < Long.SIZE; shift += Byte.SIZE) {
            hash[0] = (hash[0] ^ (value >>> shift & 0xFF)) * PRIME;
        }
    }
}
