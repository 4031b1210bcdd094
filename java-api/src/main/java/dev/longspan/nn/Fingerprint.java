package dev.longspan.nn;

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
            long elements = parameter.elements();
            long count = Math.min(SAMPLE, elements);
            for (long i = 0; i < count; i++) {
                long at = Math.floorDiv(i * (elements - 1), Math.max(1, count - 1));
                add(hash, Double.doubleToLongBits(parameter.get(index(at, parameter.shape()))));
            }
        });
        return hash[0];
    }

    /** Of an element, by its number in the order of rows, which need not be that of memory. */
    private static long[] index(long number, long... shape) {
        long[] index = new long[shape.length];
        long rest = number;
        for (int d = shape.length - 1; d >= 0; d--) {
            index[d] = rest % shape[d];
            rest /= shape[d];
        }
        return index;
    }

    private static void add(long[] hash, long value) {
        for (int shift = 0; shift < Long.SIZE; shift += Byte.SIZE) {
            hash[0] = (hash[0] ^ (value >>> shift & 0xFF)) * PRIME;
        }
    }
}
