package dev.longspan.kernel.vector;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Runs every register tile so often that C2 compiles it: the program of {@link SpillTest}. */
final class TileRuns {

    private static final int TERMS = 64;
    private static final int RUNS = 12_000;
    private static final int LENGTH = 1 << 16;

    private TileRuns() {
    }

    public static void main(String[] args) {
        float[] a = new float[LENGTH];
        float[] b = new float[LENGTH];
        MemorySegment panel = Arena.ofAuto().allocate(LENGTH * 4L, 64);
        float[] c = new float[LENGTH];
        float[] scale = new float[LENGTH];
        for (int run = 0; run < RUNS; run++) {
            Tiles.productStart(a, 0, panel, 0, c, 0);
            Tiles.productAdded(a, 0, panel, 0, c, 0);
            Tiles.shortStart(TERMS, a, 0, panel, 0, c, 0);
            Tiles.shortAdded(TERMS, a, 0, panel, 0, c, 0);
            Tiles.scoreStart(TERMS, a, 0, b, 0, c, 0);
            Tiles.scoreAdded(TERMS, a, 0, b, 0, c, 0);
            Tiles.valueRescaled(TERMS, a, 0, b, 0, c, 0, scale, 0);
            Tiles.columnsTimes(TERMS, a, 0, b, 0, c, 0);
            Tiles.rowsTimes(TERMS, a, 0, b, 0, c, 0);
        }
    }
}
