package dev.longspan.kernel;

/** How the CPU's backends cut a product [m, k] · [k, n] into work. */
public final class GemmCut {

    /** Terms after which a sum is added to c: bounds the packed panels. */
    public static final int DEPTH = 2048;
    /** Rows of a work item. */
    public static final int ROWS = 96;
    /** Up to this many rows each weight is used so seldom that packing it costs more than it saves. */
    public static final int FEW_ROWS = 4;

    /** Columns whose sums in a work item, with ROWS, take 384 KiB of a second-level cache. */
    private static final int CACHED_COLS = 1024;
    /** Elements packed at once, 4 MiB: they stay in a third-level cache that others use too. 16 MiB take a fifth longer. */
    private static final int PACKED = 1 << 20;

    private GemmCut() {
    }

    /** Columns packed at once: whole panels of so many. */
    public static long packedCols(long depth, long panel) {
        return Math.max(1, PACKED / Math.max(1, depth) / panel) * panel;
    }

    /**
     * Work items side by side. Wide ones pack a less often: all columns at once as long as their sums stay in the
     * second-level cache, which is 10 to 20 % faster with 256 to 512 columns. Few rows need narrow ones to occupy a team, of
     * more than one thread.
     */
    public static int colBlocks(int cols, long rowBlocks, int threads) {
        int cached = Math.ceilDiv(cols, CACHED_COLS);
        return threads == 1 || cached == 1 && rowBlocks >= 8L * threads ? cached
                : Math.max(cached, Math.clamp(16 / rowBlocks, 2, 16));
    }
}
