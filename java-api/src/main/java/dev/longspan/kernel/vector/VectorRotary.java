package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.LANES;
import static dev.longspan.kernel.vector.Lanes.ORDER;
import static dev.longspan.kernel.vector.Lanes.SPECIES;

import dev.longspan.kernel.Rotary;
import dev.longspan.kernel.RotaryKernel;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import org.jspecify.annotations.Nullable;

/** {@code y = own ⊙ x + other ⊙ swapped(x)} with the elements of each pair exchanged. */
final class VectorRotary implements RotaryKernel {

    /** Positions of a work item. */
    private static final int ITEM = 64;
    private static final VectorShuffle<Float> NEIGHBOURS = VectorShuffle.fromOp(SPECIES, lane -> lane ^ 1);

    private volatile @Nullable RotaryTable latest;

    @Override
    public void forward(Parallel parallel, Rotary rotary, long first, Tensor x, Tensor y) {
        rotate(parallel, rotary, first, x, y, 1,
                rotary.pairs() == Rotary.Pairs.HALVES ? VectorRotary::halves : VectorRotary::row);
    }

    @Override
    public void backward(Parallel parallel, Rotary rotary, long first, Tensor dy, Tensor dx) {
        rotate(parallel, rotary, first, dy, dx, -1,
                rotary.pairs() == Rotary.Pairs.HALVES ? VectorRotary::addHalves : VectorRotary::addRow);
    }

    private interface Row {
        void rotate(MemorySegment from, long row, float[] own, float[] other, MemorySegment to, long at, int n);
    }

    private void rotate(Parallel parallel, Rotary rotary, long first, Tensor x, Tensor y, int turn, Row row) {
        int d = rotary.headDim();
        RotaryTable table = table(rotary);
        MemorySegment from = Floats.memory(x);
        MemorySegment to = Floats.memory(y);
        parallel.forRanges(x.size(1), ITEM, (start, end, scratch) -> {
            float[] own = scratch.floats(0, d + LANES);
            float[] other = scratch.floats(1, d + LANES);
            RotaryTable.Walk walk = table.new Walk(scratch);
            for (long n = start; n < end; n++) {
                long position = first + n;
                walk.factors(rotary.anglePosition(position), position - origin(rotary, position),
                        rotary.sign(), turn, own, other);
                for (long b = 0; b < x.size(0); b++) {
                    for (long h = 0; h < x.size(2); h++) {
                        row.rotate(from, at(x, b, n, h), own, other, to, at(y, b, n, h), d);
                    }
                }
            }
        });
    }

    private static long origin(Rotary rotary, long position) {
        return rotary.epoch() > 0 ? position / rotary.epoch() * rotary.epoch() : rotary.origin();
    }

    private static long at(Tensor x, long b, long n, long h) {
        return x.offset() + b * x.stride(0) + n * x.stride(1) + h * x.stride(2);
    }

    /** The last table again, as a rule: queries and keys of a model share one. */
    private RotaryTable table(Rotary rotary) {
        RotaryTable table = latest;
        if (table == null || !table.serves(rotary)) {
            table = new RotaryTable(rotary);
            latest = table;
        }
        return table;
    }

    private static void row(MemorySegment from, long row, float[] own, float[] other, MemorySegment to, long at, int n) {
        MemorySegment x = Floats.range(from, row, n);
        MemorySegment y = Floats.range(to, at, n);
        int i = 0;
        for (; i < Lanes.whole(n); i += LANES) {
            rotated(FloatVector.fromMemorySegment(SPECIES, x, i * 4L, ORDER), own, other, i)
                    .intoMemorySegment(y, i * 4L, ORDER);
        }
        if (i < n) {
            VectorMask<Float> rest = Lanes.first(n - i);
            rotated(FloatVector.fromMemorySegment(SPECIES, x, i * 4L, ORDER, rest), own, other, i)
                    .intoMemorySegment(y, i * 4L, ORDER, rest);
        }
    }

    private static void addRow(MemorySegment from, long row, float[] own, float[] other, MemorySegment to, long at, int n) {
        MemorySegment x = Floats.range(from, row, n);
        MemorySegment y = Floats.range(to, at, n);
        int i = 0;
        for (; i < Lanes.whole(n); i += LANES) {
            rotated(FloatVector.fromMemorySegment(SPECIES, x, i * 4L, ORDER), own, other, i)
                    .add(FloatVector.fromMemorySegment(SPECIES, y, i * 4L, ORDER)).intoMemorySegment(y, i * 4L, ORDER);
        }
        if (i < n) {
            VectorMask<Float> rest = Lanes.first(n - i);
            rotated(FloatVector.fromMemorySegment(SPECIES, x, i * 4L, ORDER, rest), own, other, i)
                    .add(FloatVector.fromMemorySegment(SPECIES, y, i * 4L, ORDER, rest))
                    .intoMemorySegment(y, i * 4L, ORDER, rest);
        }
    }

    private static void halves(MemorySegment from, long row, float[] own, float[] other, MemorySegment to, long at, int n) {
        half(from, row, 0, n / 2, own, other, to, at, n / 2);
        half(from, row, n / 2, -n / 2, own, other, to, at, n / 2);
    }

    /** {@code n} elements from {@code at} on, whose others stand {@code apart} from them. */
    private static void half(MemorySegment from, long row, int at, int apart, float[] own, float[] other, MemorySegment to,
            long toRow, int n) {
        MemorySegment x = Floats.range(from, row, 2 * n);
        MemorySegment y = Floats.range(to, toRow, 2 * n);
        int i = at;
        for (; i < at + Lanes.whole(n); i += LANES) {
            turned(FloatVector.fromMemorySegment(SPECIES, x, i * 4L, ORDER),
                    FloatVector.fromMemorySegment(SPECIES, x, (i + apart) * 4L, ORDER), own, other, i)
                    .intoMemorySegment(y, i * 4L, ORDER);
        }
        if (i < at + n) {
            VectorMask<Float> rest = Lanes.first(at + n - i);
            turned(FloatVector.fromMemorySegment(SPECIES, x, i * 4L, ORDER, rest),
                    FloatVector.fromMemorySegment(SPECIES, x, (i + apart) * 4L, ORDER, rest), own, other, i)
                    .intoMemorySegment(y, i * 4L, ORDER, rest);
        }
    }

    private static void addHalves(MemorySegment from, long row, float[] own, float[] other, MemorySegment to, long at, int n) {
        addHalf(from, row, 0, n / 2, own, other, to, at, n / 2);
        addHalf(from, row, n / 2, -n / 2, own, other, to, at, n / 2);
    }

    private static void addHalf(MemorySegment from, long row, int at, int apart, float[] own, float[] other, MemorySegment to,
            long toRow, int n) {
        MemorySegment x = Floats.range(from, row, 2 * n);
        MemorySegment y = Floats.range(to, toRow, 2 * n);
        int i = at;
        for (; i < at + Lanes.whole(n); i += LANES) {
            turned(FloatVector.fromMemorySegment(SPECIES, x, i * 4L, ORDER),
                    FloatVector.fromMemorySegment(SPECIES, x, (i + apart) * 4L, ORDER), own, other, i)
                    .add(FloatVector.fromMemorySegment(SPECIES, y, i * 4L, ORDER)).intoMemorySegment(y, i * 4L, ORDER);
        }
        if (i < at + n) {
            VectorMask<Float> rest = Lanes.first(at + n - i);
            turned(FloatVector.fromMemorySegment(SPECIES, x, i * 4L, ORDER, rest),
                    FloatVector.fromMemorySegment(SPECIES, x, (i + apart) * 4L, ORDER, rest), own, other, i)
                    .add(FloatVector.fromMemorySegment(SPECIES, y, i * 4L, ORDER, rest))
                    .intoMemorySegment(y, i * 4L, ORDER, rest);
        }
    }

    private static FloatVector rotated(FloatVector x, float[] own, float[] other, int i) {
        return turned(x, x.rearrange(NEIGHBOURS), own, other, i);
    }

    private static FloatVector turned(FloatVector x, FloatVector swapped, float[] own, float[] other, int i) {
        return x.fma(FloatVector.fromArray(SPECIES, own, i), swapped.mul(FloatVector.fromArray(SPECIES, other, i)));
    }
}
