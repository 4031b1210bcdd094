package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.INTS;
import static dev.longspan.kernel.vector.Lanes.LANES;
import static dev.longspan.kernel.vector.Lanes.SPECIES;

import dev.longspan.kernel.AttentionPlan;
import dev.longspan.kernel.Dropout;
import dev.longspan.kernel.vector.TaskList.Entry;
import dev.longspan.parallel.Scratch;
import dev.longspan.tensor.Elements;
import dev.longspan.tensor.Tensor;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/** Which keys the queries of some blocks see, and what becomes of the others in a score tile. */
final class Visibility {

    private final AttentionPlan plan;
    private final Entry entry;
    private final long batch;
    private final int heads;
    /** For each query, a block of them after the other: the first key it sees and the one beyond the last. */
    private final int[] first;
    private final int[] end;
    /** For each block: the least and the greatest of both. */
    private final int[] bounds;

    /** Takes the int slots {@code slot} to {@code slot + 2}. */
    Visibility(AttentionPlan plan, Entry entry, long batch, int heads, int blocks, Scratch scratch, int slot) {
        this.plan = plan;
        this.entry = entry;
        this.batch = batch;
        this.heads = heads;
        first = scratch.ints(slot, blocks * Tiles.BLOCK);
        end = scratch.ints(slot + 1, blocks * Tiles.BLOCK);
        bounds = scratch.ints(slot + 2, blocks * 4);
    }

    /** Finds out for query block {@code block}, kept as number {@code at}. */
    void look(int block, int at) {
        int from = at * Tiles.BLOCK;
        int start = entry.queries().start(block);
        int size = entry.queries().size(block);
        Arrays.fill(first, from, from + Tiles.BLOCK, 0);
        Arrays.fill(end, from, from + Tiles.BLOCK, 0);
        int leastFirst = Integer.MAX_VALUE;
        int greatestFirst = 0;
        int leastEnd = Integer.MAX_VALUE;
        int greatestEnd = 0;
        for (int i = 0; i < size; i++) {
            long row = entry.task().queries().at(start + i);
            int f = (int) plan.firstKey(entry.branch(), entry.task(), batch, row);
            int e = (int) plan.endKey(entry.branch(), entry.task(), batch, row);
            first[from + i] = f;
            end[from + i] = e;
            leastFirst = Math.min(leastFirst, f);
            greatestFirst = Math.max(greatestFirst, f);
            leastEnd = Math.min(leastEnd, e);
            greatestEnd = Math.max(greatestEnd, e);
        }
        bounds[at * 4] = leastFirst;
        bounds[at * 4 + 1] = greatestFirst;
        bounds[at * 4 + 2] = leastEnd;
        bounds[at * 4 + 3] = greatestEnd;
    }

    /** The first key that any query of a block sees. */
    int first(int at) {
        return bounds[at * 4];
    }

    /** The key beyond the last that any query of a block sees. */
    int end(int at) {
        return bounds[at * 4 + 3];
    }

    /** How many of {@code keys} keys from {@code key} on must be looked at, up to a whole tile. */
    int reach(int at, int key, int keys) {
        if (first(at) >= key + keys) {
            return 0;
        }
        int seen = Math.min(keys, end(at) - key);
        return seen <= 0 ? 0 : Math.min(keys, Math.ceilDiv(seen, Tiles.ROWS) * Tiles.ROWS);
    }

    /**
     * Hides in a panel of a tile, queries {@code c} on, of {@code keys} keys from {@code key} on what they do not
     * see.
     */
    void hide(int at, int block, int key, int keys, int c, float[] tile) {
        if (bounds[at * 4 + 1] > key || bounds[at * 4 + 2] < key + keys) {
            FloatVector hidden = FloatVector.broadcast(SPECIES, ScoreTile.HIDDEN);
            for (int i = c; i < c + Tiles.COLS; i += LANES) {
                IntVector from = IntVector.fromArray(INTS, first, at * Tiles.BLOCK + i);
                IntVector to = IntVector.fromArray(INTS, end, at * Tiles.BLOCK + i);
                for (int k = 0; k < keys; k++) {
                    VectorMask<Integer> seen = from.compare(VectorOperators.LE, key + k)
                            .and(to.compare(VectorOperators.GT, key + k));
                    hidden.blend(FloatVector.fromArray(SPECIES, tile, k * Tiles.BLOCK + i), seen.cast(SPECIES))
                            .intoArray(tile, k * Tiles.BLOCK + i);
                }
            }
        }
        if (plan.mask() != null) {
            applyMask(plan.mask(), block, key, keys, c, tile);
        }
    }

    private void applyMask(Tensor mask, int block, int key, int keys, int c, float[] tile) {
        long batchAt = mask.offset() + (mask.size(0) == 1 ? 0 : batch * mask.stride(0));
        int stop = Math.min(c + Tiles.COLS, entry.queries().size(block));
        for (int i = c; i < stop; i++) {
            long row = mask.size(1) == 1 ? 0 : entry.task().queries().at(entry.queries().start(block) + i);
            for (int k = 0; k < keys; k++) {
                long column = mask.size(2) == 1 ? 0 : entry.task().keys().at(key + k);
                if (Elements.getLong(mask.segment(), mask.dtype(), batchAt + row * mask.stride(1)
                        + column * mask.stride(2)) == 0) {
                    tile[k * Tiles.BLOCK + i] = ScoreTile.HIDDEN;
                }
            }
        }
    }

    /** Multiplies a panel of a tile by what dropout makes of each key's weight. */
    void drop(Dropout dropout, int block, int key, int keys, int c, float[] tile) {
        int stop = Math.min(c + Tiles.COLS, entry.queries().size(block));
        for (int i = c; i < stop; i++) {
            long row = entry.task().queries().at(entry.queries().start(block) + i);
            for (int k = 0; k < keys; k++) {
                tile[k * Tiles.BLOCK + i] *= (float) dropout.factor(batch * heads + entry.head(), row,
                        entry.task().keys().at(key + k));
            }
        }
    }
}
