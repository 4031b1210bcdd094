package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.DOUBLES;
import static dev.longspan.kernel.vector.Lanes.LANES;
import static dev.longspan.kernel.vector.Lanes.ORDER;
import static dev.longspan.kernel.vector.Lanes.SPECIES;

import dev.longspan.parallel.Scratch;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/**
 * Moments of n groups of d channels over a block of rows, a lane a group, in double. A row's own sums are of {@code x − x₀}, x₀
 * the group's first channel: {@code mean(x²) − mean(x)²} then loses nothing to an offset that all channels have.
 */
final class RunningMoments {

    /** Groups of a vector of doubles. */
    private static final int STEP = LANES / 2;

    /** Of everything so far, by group. */
    final double[] mean;
    final double[] var;
    /** {@code 1/√(var + ε)} as {@link #factors} left it. */
    final double[] rstd;

    private final int n;
    private final int d;
    /** Groups of a row with those that fill a vector. */
    private final int stride;
    private final float[] pairs;
    private final float[] base;
    private final float[] sum;
    private final float[] squares;
    private final float[] high;
    private final float[] low;
    private final float[] r;

    RunningMoments(int n, int rows, int d, Scratch scratch) {
        this.n = n;
        this.d = d;
        stride = Math.ceilDiv(n, LANES) * LANES;
        mean = scratch.doubles(0, stride);
        var = scratch.doubles(1, stride);
        rstd = scratch.doubles(2, stride);
        pairs = scratch.floats(3, PairSums.length(rows * stride));
        base = scratch.floats(4, rows * stride);
        sum = scratch.floats(5, PairSums.sums(rows * stride));
        squares = scratch.floats(6, PairSums.sums(rows * stride));
        high = scratch.floats(7, stride);
        low = scratch.floats(8, stride);
        r = scratch.floats(9, stride);
        // Groups that only fill a vector must not meet NaN or subnormal leftovers.
        Arrays.fill(mean, 0, stride, 0);
        Arrays.fill(var, 0, stride, 1);
        Arrays.fill(pairs, 0, PairSums.length(rows * stride), 0f);
        Arrays.fill(base, 0, rows * stride, 0f);
    }

    /** Takes row t from place {@code at} of x. Groups of 1, 2 and 4 whole vectors have no inner loop: it would cost 2.5 times. */
    void sums(MemorySegment x, long at, int t) {
        int pair = t * stride;
        if (d == LANES) {
            oneEach(x, at, pair);
        } else if (d == 2 * LANES) {
            twoEach(x, at, pair);
        } else if (d == 4 * LANES) {
            fourEach(x, at, pair);
        } else {
            anySums(x, at, pair);
        }
    }

    private void oneEach(MemorySegment x, long at, int pair) {
        for (int g = 0; g < n; g++) {
            FloatVector v = load(x, at + 4L * g * LANES);
            float first = v.lane(0);
            base[pair + g] = first;
            FloatVector a = v.sub(first);
            PairSums.store(a, a.mul(a), pairs, pair + g);
        }
    }

    private void twoEach(MemorySegment x, long at, int pair) {
        for (int g = 0; g < n; g++) {
            FloatVector v = load(x, at + 4L * g * 2 * LANES);
            float first = v.lane(0);
            base[pair + g] = first;
            FloatVector a = v.sub(first);
            FloatVector b = load(x, at + 4L * (g * 2 * LANES + LANES)).sub(first);
            PairSums.store(a.add(b), b.fma(b, a.mul(a)), pairs, pair + g);
        }
    }

    private void fourEach(MemorySegment x, long at, int pair) {
        for (int g = 0; g < n; g++) {
            FloatVector v = load(x, at + 4L * g * 4 * LANES);
            float first = v.lane(0);
            base[pair + g] = first;
            FloatVector a = v.sub(first);
            FloatVector b = load(x, at + 4L * (g * 4 * LANES + LANES)).sub(first);
            FloatVector c = load(x, at + 4L * (g * 4 * LANES + 2 * LANES)).sub(first);
            FloatVector e = load(x, at + 4L * (g * 4 * LANES + 3 * LANES)).sub(first);
            PairSums.store(a.add(b).add(c.add(e)), b.fma(b, a.mul(a)).add(e.fma(e, c.mul(c))), pairs, pair + g);
        }
    }

    private void anySums(MemorySegment x, long at, int pair) {
        int whole = Lanes.whole(d);
        VectorMask<Float> tail = Lanes.first(d - whole);
        for (int g = 0; g < n; g++) {
            long from = at + 4L * g * d;
            float first = x.get(ValueLayout.JAVA_FLOAT_UNALIGNED, from);
            base[pair + g] = first;
            FloatVector sum = FloatVector.zero(SPECIES);
            FloatVector square = FloatVector.zero(SPECIES);
            for (int i = 0; i < whole; i += LANES) {
                FloatVector a = load(x, from + 4L * i).sub(first);
                sum = sum.add(a);
                square = a.fma(a, square);
            }
            if (whole < d) {
                FloatVector a = FloatVector.fromMemorySegment(SPECIES, x, from + 4L * whole, ORDER, tail).sub(first, tail);
                sum = sum.add(a);
                square = a.fma(a, square);
            }
            PairSums.store(sum, square, pairs, pair + g);
        }
    }

    private static FloatVector load(MemorySegment x, long at) {
        return FloatVector.fromMemorySegment(SPECIES, x, at, ORDER);
    }

    /** Sums what {@link #sums} took of {@code rows} rows. */
    void moments(int rows) {
        PairSums.sum(rows * stride, pairs, sum, squares);
    }

    /**
     * The running moments behind row t, with {@code share = 1/count}, the row included. A loop that the compiler turns into
     * vectors: written with them, conversions between float and double have more nodes than it inlines.
     */
    void update(int t, double share) {
        double rest = 1 - share;
        double each = 1.0 / d;
        int at = t * stride;
        for (int g = 0; g < stride; g++) {
            double off = sum[at + g] * each;
            double own = Math.max(squares[at + g] * each - off * off, 0);
            double delta = base[at + g] + off - mean[g];
            double step = share * delta;
            var[g] = rest * var[g] + share * own + rest * step * delta;
            mean[g] += step;
        }
    }

    /** What {@link #normalize} subtracts, {@code mean = high + low}, and multiplies with. */
    void factors(double eps) {
        for (int g = 0; g < stride; g += STEP) {
            DoubleVector.broadcast(DOUBLES, 1).div(DoubleVector.fromArray(DOUBLES, var, g).add(eps).sqrt()).intoArray(rstd, g);
        }
        for (int g = 0; g < stride; g++) {
            high[g] = (float) mean[g];
            low[g] = (float) (mean[g] - high[g]);
            r[g] = (float) rstd[g];
        }
    }

    /** {@code y = ((x − high) − low)·r·w + shift}: a row's groups from place {@code at} on. */
    void normalize(MemorySegment x, long at, MemorySegment y, long to, float[] w, float[] shift) {
        if (d == LANES) {
            for (int g = 0; g < n; g++) {
                normal(x, at, y, to, g * LANES, high[g], low[g], r[g], w, shift);
            }
        } else if (d == 2 * LANES) {
            for (int g = 0; g < n; g++) {
                normal(x, at, y, to, g * 2 * LANES, high[g], low[g], r[g], w, shift);
                normal(x, at, y, to, g * 2 * LANES + LANES, high[g], low[g], r[g], w, shift);
            }
        } else if (d == 4 * LANES) {
            for (int g = 0; g < n; g++) {
                normal(x, at, y, to, g * 4 * LANES, high[g], low[g], r[g], w, shift);
                normal(x, at, y, to, g * 4 * LANES + LANES, high[g], low[g], r[g], w, shift);
                normal(x, at, y, to, g * 4 * LANES + 2 * LANES, high[g], low[g], r[g], w, shift);
                normal(x, at, y, to, g * 4 * LANES + 3 * LANES, high[g], low[g], r[g], w, shift);
            }
        } else {
            anyNormalize(x, at, y, to, w, shift);
        }
    }

    private void anyNormalize(MemorySegment x, long at, MemorySegment y, long to, float[] w, float[] shift) {
        int whole = Lanes.whole(d);
        VectorMask<Float> tail = Lanes.first(d - whole);
        for (int g = 0; g < n; g++) {
            for (int c = g * d; c < g * d + whole; c += LANES) {
                normal(x, at, y, to, c, high[g], low[g], r[g], w, shift);
            }
            if (whole < d) {
                int c = g * d + whole;
                FloatVector.fromMemorySegment(SPECIES, x, at + 4L * c, ORDER, tail).sub(high[g]).sub(low[g]).mul(r[g])
                        .fma(FloatVector.fromArray(SPECIES, w, c), FloatVector.fromArray(SPECIES, shift, c))
                        .intoMemorySegment(y, to + 4L * c, ORDER, tail);
            }
        }
    }

    private static void normal(MemorySegment x, long at, MemorySegment y, long to, int c, float high, float low, float r, float[] w, float[] shift) {
        load(x, at + 4L * c).sub(high).sub(low).mul(r)
                .fma(FloatVector.fromArray(SPECIES, w, c), FloatVector.fromArray(SPECIES, shift, c)).intoMemorySegment(y, to + 4L * c, ORDER);
    }
}
