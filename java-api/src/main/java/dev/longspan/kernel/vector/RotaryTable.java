package dev.longspan.kernel.vector;

import dev.longspan.kernel.Rotary;
import dev.longspan.parallel.Scratch;

/**
 * Rotations and xPos scales of positions as products of a block's start and an offset within it, in double:
 * {@code cos(s + o) = cos s cos o − sin s sin o}. A position always splits the same way, wherever a sequence starts.
 */
final class RotaryTable {

    private static final int BLOCK = 256;

    private final Rotary rotary;
    private final int pairs;
    private final double[] frequency;
    private final double[] cos;
    private final double[] sin;
    private final double[] scale;

    RotaryTable(Rotary rotary) {
        this.rotary = byDistance(rotary);
        pairs = rotary.headDim() / 2;
        frequency = new double[pairs];
        cos = new double[BLOCK * pairs];
        sin = new double[BLOCK * pairs];
        scale = new double[BLOCK * pairs];
        for (int m = 0; m < pairs; m++) {
            frequency[m] = rotary.frequency(m);
        }
        for (int offset = 0; offset < BLOCK; offset++) {
            for (int m = 0; m < pairs; m++) {
                cos[offset * pairs + m] = Math.cos(offset * frequency[m]);
                sin[offset * pairs + m] = Math.sin(offset * frequency[m]);
                scale[offset * pairs + m] = this.rotary.scale(m, offset);
            }
        }
    }

    /** Whether it serves another rotary: period, epoch, origin and sign are the caller's matter. */
    boolean serves(Rotary other) {
        return rotary.headDim() == other.headDim() && rotary.base() == other.base() && rotary.scaleBase() == other.scaleBase()
                && rotary.pairs() == other.pairs();
    }

    private static Rotary byDistance(Rotary any) {
        return new Rotary(any.headDim(), any.base(), 0, any.scaleBase(), 1, 0, 0, any.pairs());
    }

    /** One worker's walk over positions; keeps what the block's start gives. */
    final class Walk {
        private final double[] startCos;
        private final double[] startSin;
        private final double[] startScale;
        private long angleBlock = Long.MIN_VALUE;
        private long scaleBlock = Long.MIN_VALUE;

        Walk(Scratch scratch) {
            startCos = scratch.doubles(0, pairs);
            startSin = scratch.doubles(1, pairs);
            startScale = scratch.doubles(2, pairs);
        }

        /**
         * Factors of an element itself and of its pair's other, at position {@code angle} and {@code distance} from the
         * scale's origin; {@code turn} is -1 for the opposite rotation.
         */
        void factors(long angle, long distance, int sign, int turn, float[] own, float[] other) {
            start(Math.floorDiv(angle, BLOCK), Math.floorDiv(distance, BLOCK));
            int a = (int) Math.floorMod(angle, (long) BLOCK) * pairs;
            int d = (int) Math.floorMod(distance, (long) BLOCK) * pairs;
            int step = rotary.first(1);
            int apart = rotary.apart();
            for (int m = 0; m < pairs; m++) {
                double grown = startScale[m] * scale[d + m];
                double size = sign < 0 ? 1 / grown : grown;
                float c = (float) (size * (startCos[m] * cos[a + m] - startSin[m] * sin[a + m]));
                float s = (float) (size * (startSin[m] * cos[a + m] + startCos[m] * sin[a + m])) * turn;
                own[step * m] = c;
                own[step * m + apart] = c;
                other[step * m] = -s;
                other[step * m + apart] = s;
            }
        }

        private void start(long newAngle, long newScale) {
            if (newAngle != angleBlock) {
                angleBlock = newAngle;
                for (int m = 0; m < pairs; m++) {
                    startCos[m] = Math.cos(newAngle * BLOCK * frequency[m]);
                    startSin[m] = Math.sin(newAngle * BLOCK * frequency[m]);
                }
            }
            if (newScale != scaleBlock) {
                scaleBlock = newScale;
                for (int m = 0; m < pairs; m++) {
                    startScale[m] = rotary.scale(m, newScale * BLOCK);
                }
            }
        }
    }
}
