package dev.longspan.kernel.vector;

import dev.longspan.kernel.Decay;
import dev.longspan.kernel.Rows;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Rows of a task cut into blocks of at most {@link Tiles#BLOCK}, where there is a decay also between epochs, so that
 * one
 * factor serves a whole block.
 */
final class Blocks {

    private final int rows;
    private final int @Nullable [] cuts;

    private Blocks(int rows, int @Nullable [] cuts) {
        this.rows = rows;
        this.cuts = cuts;
    }

    /** Row t stands at position {@code first + positions.at(t)}. */
    static Blocks of(Rows positions, long first, @Nullable Decay decay) {
        int rows = Math.toIntExact(positions.count());
        if (decay == null) {
            return new Blocks(rows, null);
        }
        int[] cuts = new int[16];
        int count = 1;
        for (int t = 1; t < rows; t++) {
            if (t - cuts[count - 1] == Tiles.BLOCK || epoch(decay, first + positions.at(t - 1)) != epoch(decay, first
                    + positions.at(t))) {
                if (count + 1 == cuts.length) {
                    cuts = Arrays.copyOf(cuts, 2 * cuts.length);
                }
                cuts[count++] = t;
            }
        }
        cuts[count] = rows;
        return new Blocks(rows, Arrays.copyOf(cuts, rows == 0 ? 1 : count + 1));
    }

    private static long epoch(Decay decay, long position) {
        return position / decay.epoch();
    }

    int count() {
        return cuts == null ? Math.ceilDiv(rows, Tiles.BLOCK) : cuts.length - 1;
    }

    /** First row of a block. */
    int start(int block) {
        return cuts == null ? block * Tiles.BLOCK : cuts[block];
    }

    /** Rows of a block. */
    int size(int block) {
        return cuts == null ? Math.min(Tiles.BLOCK, rows - block * Tiles.BLOCK) : cuts[block + 1] - cuts[block];
    }

    /** The block that holds a row; the one behind the last for rows beyond the end. */
    int holding(int row) {
        if (row >= rows) {
            return count();
        }
        if (cuts == null) {
            return row / Tiles.BLOCK;
        }
        int found = Arrays.binarySearch(cuts, row);
        return found >= 0 ? found : -found - 2;
    }
}
