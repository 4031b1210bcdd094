package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.INTS;
import static dev.longspan.kernel.vector.Lanes.LANES;
import static dev.longspan.kernel.vector.Lanes.ORDER;
import static dev.longspan.kernel.vector.Lanes.SPECIES;

import dev.longspan.kernel.AttentionPlan;
import dev.longspan.kernel.Rows;
import dev.longspan.kernel.vector.TaskList.Entry;
import dev.longspan.parallel.Scratch;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;

/**
 * A task of one query, as in decoding: keys and values are read once where they lie and packed nowhere. Lanes are keys in the
 * scores and dimensions in the output; each sum takes its terms in the order of {@link AttentionForward}'s tiles, so that the
 * bits are the same.
 */
final class OneQuery {

    // Scratch slots, beside that of the decay.
    private static final int QUERY = 0;
    private static final int SCORES = 1;
    private static final int OUTPUT = 2;
    private static final int RESCALE = 3;
    private static final int WIDENED = 4;
    private static final int SUMS = 5;
    private static final int PART = 6;
    private static final int RAGGED = 0;

    private final AttentionPlan plan;
    private final Entry entry;
    private final long batch;

    OneQuery(AttentionPlan plan, Entry entry, long batch) {
        this.plan = plan;
        this.entry = entry;
        this.batch = batch;
    }

    /** Whether a task is one, of keys at regular distances none of which a mask hides or dropout drops. */
    static boolean is(AttentionPlan plan, Entry entry) {
        return entry.task().queries().count() == 1 && entry.task().keys().run() == 1 && plan.mask() == null
                && plan.dropout() == null;
    }

    /** What {@link #run} arrives at; the output in the places of a slab's first row. */
    record Result(float max, float sum, float[] output) {
    }

    Result run(HeadRows queries, HeadRows keys, HeadRows values, DecayFactors decay, Scratch scratch) {
        int dim = queries.dim();
        int padded = Math.ceilDiv(dim, LANES) * LANES;
        Rows rows = entry.task().keys();
        long row = entry.task().queries().at(0);
        int first = (int) plan.firstKey(entry.branch(), entry.task(), batch, row);
        int end = (int) plan.endKey(entry.branch(), entry.task(), batch, row);
        float[] query = scratch.floats(QUERY, padded + LANES);
        float[] scores = scratch.floats(SCORES, Tiles.BLOCK + LANES);
        float[] output = scratch.floats(OUTPUT, Packing.slabLength(values.dim()));
        float[] rescale = scratch.floats(RESCALE, LANES);
        float[] widened = scratch.floats(WIDENED, padded);
        float[] part = scratch.floats(PART, LANES);
        MemorySegment ragged = scratch.segment(RAGGED, 4L * LANES * padded);
        float[] sums = scratch.floats(SUMS, output.length);
        for (int d = 0; d < values.dim(); d += LANES) {
            FloatVector.zero(SPECIES).intoArray(output, Packing.place(0, d));
            FloatVector.zero(SPECIES).intoArray(sums, Packing.place(0, d));
        }
        float max = ScoreTile.HIDDEN;
        float sum = 0;
        for (int block = entry.keys().holding(first); block < entry.keys().count()
                && entry.keys().start(block) < end; block++) {
            int start = entry.keys().start(block);
            int from = Math.max(first, start);
            int count = Math.min(end, start + entry.keys().size(block)) - from;
            if (count <= 0) {
                continue;
            }
            if (decay.changes(0, 0, block)) {
                scale(queries, row, decay, query, padded);
            }
            scores(keys.from(rows.at(from), rows.period()), count, query, padded, scores, ragged, widened, part);
            float before = max;
            for (int i = 0; i < count; i++) {
                max = scores[i] > max ? scores[i] : max;
            }
            Exp2.ofMinus(FloatVector.broadcast(SPECIES, max - before)).intoArray(rescale, 0);
            weights(scores, count, max);
            float ofBlock = 0;
            for (int i = 0; i < count; i++) {
                ofBlock += scores[i];
            }
            sum = Math.fma(sum, rescale[0], ofBlock);
            add(values.from(rows.at(from), rows.period()), count, scores, sums);
            addTo(output, rescale[0], sums, values.dim());
        }
        return new Result(max, sum, output);
    }

    private void scale(HeadRows queries, long row, DecayFactors decay, float[] query, int padded) {
        Packing.load(queries.memory(), queries.half(), queries.at(row), queries.dim(), query, 0);
        Arrays.fill(query, queries.dim(), padded, 0f);
        float scale = (float) plan.scale() * Exp2.LOG2_E;
        float[] factors = decay.factors();
        for (int d = 0; d < queries.dim(); d++) {
            query[d] *= factors == null ? scale : scale * factors[d];
        }
    }

    /** {@code scores[i] = query · key i}, LANES keys at a time. */
    private static void scores(HeadRows keys, int count, float[] query, int padded, float[] scores, MemorySegment ragged,
            float[] widened, float[] part) {
        int dim = keys.dim();
        for (int i = 0; i < count; i += LANES) {
            boolean whole = i + LANES <= count;
            if (whole && !keys.half() && padded == dim) {
                products(keys.memory(), keys.at(i) * 4, keys.stride() * 4, padded, query, scores, i, part);
            } else if (whole && keys.half() && dim % (2 * LANES) == 0) {
                halfProducts(keys.memory(), keys.at(i) * 2, keys.stride() * 2, dim, query, scores, i, part);
            } else {
                ragged.fill((byte) 0); // what lies behind a row is multiplied by zeros, and must be none
                for (int x = 0; x < LANES && i + x < count; x++) {
                    Packing.load(keys.memory(), keys.half(), keys.at(i + x), dim, widened, 0);
                    MemorySegment.copy(widened, 0, ragged, ValueLayout.JAVA_FLOAT, 4L * x * padded, dim);
                }
                products(ragged, 0, 4L * padded, padded, query, scores, i, part);
            }
        }
    }

    /** Of LANES rows, a slab's dimensions at a time, as {@link ScoreTile#multiplyPanel}. part: scratch for a vector. */
    private static void products(MemorySegment rows, long at, long stride, int dim, float[] query, float[] scores, int i,
            float[] part) {
        Squares.products(rows, at, stride, Math.min(Tiles.SLAB, dim) / LANES, query, 0, scores, i);
        for (int d = Tiles.SLAB; d < dim; d += Tiles.SLAB) {
            Squares.products(rows, at + d * 4L, stride, Math.min(Tiles.SLAB, dim - d) / LANES, query, d, part, 0);
            addPart(part, scores, i);
        }
    }

    private static void halfProducts(MemorySegment rows, long at, long stride, int dim, float[] query, float[] scores, int i,
            float[] part) {
        Squares.halfProducts(rows, at, stride, Math.min(Tiles.SLAB, dim) / (2 * LANES), query, 0, scores, i);
        for (int d = Tiles.SLAB; d < dim; d += Tiles.SLAB) {
            Squares.halfProducts(rows, at + d * 2L, stride, Math.min(Tiles.SLAB, dim - d) / (2 * LANES), query, d, part, 0);
            addPart(part, scores, i);
        }
    }

    private static void addPart(float[] part, float[] scores, int i) {
        FloatVector.fromArray(SPECIES, scores, i).add(FloatVector.fromArray(SPECIES, part, 0)).intoArray(scores, i);
    }

    /** {@code scores = 2^(scores − max)}. */
    private static void weights(float[] scores, int count, float max) {
        FloatVector m = FloatVector.broadcast(SPECIES, max);
        for (int i = 0; i < count; i += LANES) {
            Exp2.ofMinus(m.sub(FloatVector.fromArray(SPECIES, scores, i))).intoArray(scores, i);
        }
    }

    /** {@code output = rescale · output + sums}; sums are zeros then. */
    private static void addTo(float[] output, float rescale, float[] sums, int dim) {
        FloatVector scale = FloatVector.broadcast(SPECIES, rescale);
        for (int d = 0; d < dim; d += LANES) {
            int place = Packing.place(0, d);
            FloatVector.fromArray(SPECIES, output, place).fma(scale, FloatVector.fromArray(SPECIES, sums, place))
                    .intoArray(output, place);
            FloatVector.zero(SPECIES).intoArray(sums, place);
        }
    }

    /** {@code sums += Σ weights · values}. */
    private static void add(HeadRows values, int count, float[] weights, float[] sums) {
        if (values.half()) {
            addHalves(values, count, weights, sums);
            return;
        }
        int d = 0;
        for (; d <= values.dim() - 4 * LANES; d += 4 * LANES) {
            addFour(values.memory(), (values.offset() + d) * 4, values.stride() * 4, count, weights, sums, d);
        }
        for (; d < values.dim(); d += LANES) {
            addOne(values.memory(), (values.offset() + d) * 4, values.stride() * 4, count, weights, sums, d,
                    values.dim() - d);
        }
    }

    private static void addHalves(HeadRows values, int count, float[] weights, float[] sums) {
        for (int d = 0; d < values.dim(); d += 4 * LANES) {
            long at = (values.offset() + d) * 2;
            // What vectors read behind a row is of others, and goes to places that nobody reads: only the storage must not end.
            long before = values.memory().byteSize() - 8L * LANES - at;
            int whole = before < 0 ? 0 : (int) Math.min(count, before / (values.stride() * 2) + 1);
            addFourHalves(values.memory(), at, values.stride() * 2, whole, weights, sums, d);
            for (int i = whole; i < count; i++) {
                for (int x = d; x < Math.min(d + 4 * LANES, values.dim()); x++) {
                    int place = Packing.place(0, x);
                    sums[place] = Math.fma(weights[i], Packing.get(values.memory(), true, values.at(i) + x), sums[place]);
                }
            }
        }
    }

    private static void addFourHalves(MemorySegment values, long at, long stride, int count, float[] weights, float[] sums, int d) {
        int p0 = Packing.place(0, d);
        int p1 = Packing.place(0, d + LANES);
        int p2 = Packing.place(0, d + 2 * LANES);
        int p3 = Packing.place(0, d + 3 * LANES);
        FloatVector s0 = FloatVector.fromArray(SPECIES, sums, p0);
        FloatVector s1 = FloatVector.fromArray(SPECIES, sums, p1);
        FloatVector s2 = FloatVector.fromArray(SPECIES, sums, p2);
        FloatVector s3 = FloatVector.fromArray(SPECIES, sums, p3);
        for (int i = 0; i < count; i++, at += stride) {
            FloatVector w = FloatVector.broadcast(SPECIES, weights[i]);
            IntVector v = IntVector.fromMemorySegment(INTS, values, at, ORDER);
            IntVector u = IntVector.fromMemorySegment(INTS, values, at + 4L * LANES, ORDER);
            s0 = w.fma(Lanes.firstWidened(v), s0);
            s1 = w.fma(Lanes.lastWidened(v), s1);
            s2 = w.fma(Lanes.firstWidened(u), s2);
            s3 = w.fma(Lanes.lastWidened(u), s3);
        }
        ((FloatVector) Lanes.TYPE.cast(s0)).intoArray(sums, p0);
        ((FloatVector) Lanes.TYPE.cast(s1)).intoArray(sums, p1);
        ((FloatVector) Lanes.TYPE.cast(s2)).intoArray(sums, p2);
        ((FloatVector) Lanes.TYPE.cast(s3)).intoArray(sums, p3);
    }

    private static void addFour(MemorySegment values, long at, long stride, int count, float[] weights, float[] sums, int d) {
        int p0 = Packing.place(0, d);
        int p1 = Packing.place(0, d + LANES);
        int p2 = Packing.place(0, d + 2 * LANES);
        int p3 = Packing.place(0, d + 3 * LANES);
        FloatVector s0 = FloatVector.fromArray(SPECIES, sums, p0);
        FloatVector s1 = FloatVector.fromArray(SPECIES, sums, p1);
        FloatVector s2 = FloatVector.fromArray(SPECIES, sums, p2);
        FloatVector s3 = FloatVector.fromArray(SPECIES, sums, p3);
        for (int i = 0; i < count; i++, at += stride) {
            FloatVector w = FloatVector.broadcast(SPECIES, weights[i]);
            s0 = w.fma(FloatVector.fromMemorySegment(SPECIES, values, at, ORDER), s0);
            s1 = w.fma(FloatVector.fromMemorySegment(SPECIES, values, at + 4L * LANES, ORDER), s1);
            s2 = w.fma(FloatVector.fromMemorySegment(SPECIES, values, at + 8L * LANES, ORDER), s2);
            s3 = w.fma(FloatVector.fromMemorySegment(SPECIES, values, at + 12L * LANES, ORDER), s3);
        }
        ((FloatVector) Lanes.TYPE.cast(s0)).intoArray(sums, p0);
        ((FloatVector) Lanes.TYPE.cast(s1)).intoArray(sums, p1);
        ((FloatVector) Lanes.TYPE.cast(s2)).intoArray(sums, p2);
        ((FloatVector) Lanes.TYPE.cast(s3)).intoArray(sums, p3);
    }

    private static void addOne(MemorySegment values, long at, long stride, int count, float[] weights, float[] sums, int d, int dims) {
        VectorMask<Float> in = Lanes.first(dims);
        FloatVector s = FloatVector.fromArray(SPECIES, sums, Packing.place(0, d));
        for (int i = 0; i < count; i++, at += stride) {
            s = FloatVector.broadcast(SPECIES, weights[i]).fma(
                    FloatVector.fromMemorySegment(SPECIES, values, at, ORDER, in), s);
        }
        ((FloatVector) Lanes.TYPE.cast(s)).intoArray(sums, Packing.place(0, d));
    }
}
