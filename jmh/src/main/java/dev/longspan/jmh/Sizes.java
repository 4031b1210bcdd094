package dev.longspan.jmh;

import java.util.Arrays;

/** Sizes in the name of a problem: {@code 2048x1024x256}, or one for all; JMH takes a comma for the end of a name. */
final class Sizes {

    private Sizes() {
    }

    static int[] of(String text, int count) {
        int[] sizes = Arrays.stream(text.split("x", -1)).mapToInt(Integer::parseInt).toArray();
        if (sizes.length != 1 && sizes.length != count) {
            throw new IllegalArgumentException("sizes must be 1 or " + count + ": sizes=" + text);
        }
        return sizes.length == count ? sizes : Arrays.stream(new int[count]).map(i -> sizes[0]).toArray();
    }
}
