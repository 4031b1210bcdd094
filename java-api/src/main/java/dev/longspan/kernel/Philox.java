package dev.longspan.kernel;

/** Philox 4x32-10, a counter-based generator. Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011. */
public final class Philox {

    public static final long MULTIPLIER_0 = 0xD2511F53L;
    public static final long MULTIPLIER_1 = 0xCD9E8D57L;
    public static final int WEYL_0 = 0x9E3779B9;
    public static final int WEYL_1 = 0xBB67AE85;
    public static final int ROUNDS = 10;

    private Philox() {
    }

    /** 64 random bits for (key, stream, counter). */
    public static long bits(long key, long stream, long counter) {
        int c0 = (int) counter;
        int c1 = (int) (counter >>> 32);
        int c2 = (int) stream;
        int c3 = (int) (stream >>> 32);
        int k0 = (int) key;
        int k1 = (int) (key >>> 32);
        for (int round = 0; round < ROUNDS; round++) {
            long p0 = MULTIPLIER_0 * Integer.toUnsignedLong(c0);
            long p1 = MULTIPLIER_1 * Integer.toUnsignedLong(c2);
            c0 = (int) (p1 >>> 32) ^ c1 ^ k0;
            c1 = (int) p1;
            c2 = (int) (p0 >>> 32) ^ c3 ^ k1;
            c3 = (int) p0;
            k0 += WEYL_0;
            k1 += WEYL_1;
        }
        return (long) c0 << 32 | Integer.toUnsignedLong(c1);
    }

    /** Uniform in [0, 1) with 24 bits: exact as a float, so that every backend decides alike. */
    public static float uniform(long key, long stream, long counter) {
        return (bits(key, stream, counter) >>> 40) * 0x1p-24f;
    }

    /** Standard normal by Box and Muller. */
    public static double normal(long key, long stream, long counter) {
        long bits = bits(key, stream, counter);
        double u = ((bits >>> 32) + 1) * 0x1p-32;
        double v = (bits & 0xFFFFFFFFL) * 0x1p-32;
        return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * v);
    }
}
