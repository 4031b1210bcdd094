package dev.longspan.kernel.vector;

import jdk.incubator.vector.FloatVector;

/** How many bits a vector has: the CPU's preferred width, at most 512, or what {@value #PROPERTY} asks for. */
final class VectorWidth {

    /** Forces 128, 256 or 512 bits. */
    static final String PROPERTY = "longspan.vector.bits";

    private VectorWidth() {
    }

    /** The chosen width; throws UnsupportedOperationException where the CPU lacks it. */
    static int bits() {
        int widest = FloatVector.SPECIES_PREFERRED.vectorBitSize();
        if (widest < 128) {
            throw new UnsupportedOperationException("this JVM has no vectors of 128 bits or more: widest=" + widest);
        }
        String forced = System.getProperty(PROPERTY);
        return switch (forced) {
            case null -> widest >= 512 ? 512 : widest >= 256 ? 256 : 128;
            case "128", "256", "512" -> within(Integer.parseInt(forced), widest);
            default -> throw new UnsupportedOperationException(PROPERTY + " must be 128, 256 or 512: " + PROPERTY + "="
                    + forced);
        };
    }

    private static int within(int forced, int widest) {
        if (forced > widest) {
            throw new UnsupportedOperationException(PROPERTY + "=" + forced
                    + " is wider than this CPU's vectors: widest=" + widest);
        }
        return forced;
    }
}
