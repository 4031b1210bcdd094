package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.INTS;
import static dev.longspan.kernel.vector.Lanes.LANES;
import static dev.longspan.kernel.vector.Lanes.ORDER;
import static dev.longspan.kernel.vector.Lanes.SPECIES;

import dev.longspan.kernel.Rows;
import dev.longspan.tensor.Elements;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import org.jspecify.annotations.Nullable;

/**
 * Brings rows of an off-heap matrix into scratch, in the orders that the register tiles read: float32, or bfloat16
 * that is widened. Offsets and strides count elements.
 */
final class Packing {

    /** Columns that are transposed at once: a panel of them and their rows fit the first cache. */
    static final int STAGE = 64;

    private Packing() {
    }

    /** {@code to[at + i] = from[offset + i]} for i below n. */
    static void load(MemorySegment from, long offset, int n, float[] to, int at) {
        int i = 0;
        for (; i <= n - LANES; i += LANES) {
            FloatVector.fromMemorySegment(SPECIES, from, (offset + i) * 4, ORDER).intoArray(to, at + i);
        }
        if (i < n) {
            VectorMask<Float> rest = Lanes.first(n - i);
            FloatVector.fromMemorySegment(SPECIES, from, (offset + i) * 4, ORDER, rest).intoArray(to, at + i, rest);
        }
    }

    /** As {@link #load(MemorySegment, long, int, float[], int)}, of bfloat16 elements if they are {@code half} as wide. */
    static void load(MemorySegment from, boolean half, long offset, int n, float[] to, int at) {
        if (!half) {
            load(from, offset, n, to, at);
            return;
        }
        int i = 0;
        for (; i <= n - 2 * LANES; i += 2 * LANES) {
            IntVector pairs = IntVector.fromMemorySegment(INTS, from, (offset + i) * 2, ORDER);
            Lanes.firstWidened(pairs).intoArray(to, at + i);
            Lanes.lastWidened(pairs).intoArray(to, at + i + LANES);
        }
        for (; i < n; i++) {
            to[at + i] = get(from, true, offset + i);
        }
    }

    static float get(MemorySegment from, boolean half, long at) {
        return half ? Elements.bf16ToFloat(from.get(ValueLayout.JAVA_SHORT_UNALIGNED, at * 2))
                : from.get(ValueLayout.JAVA_FLOAT_UNALIGNED, at * 4);
    }

    /**
     * Columns interleaved: {@code to[at + (r / width) · width · cols + c · width + r % width] = from[r][c]}, any numbers up to a
     * multiple of width. Writes up to {@link Lanes#LANES} elements more. The stage holds {@code width · STAGE} elements.
     */
    static void panels(MemorySegment from, boolean half, long offset, long rowStride, long colStride, int rows, int cols, int width,
            float[] to, int at, float[] stage) {
        long end = from.byteSize() / 4;
        for (int r = 0; r < rows; r += width) {
            int present = Math.min(width, rows - r);
            long first = offset + r * rowStride;
            int panel = at + r * cols;
            if (present < width) {
                Arrays.fill(to, panel, panel + width * cols, 0f);
            }
            if (colStride == 1) {
                int turned = half ? 0 : Lanes.whole(cols);
                // The last rows go first: what their vectors hold behind the width is written over by those of the first rows.
                for (int x = (present - 1) / LANES * LANES; x >= 0; x -= LANES) {
                    for (int c = 0; c < turned; c += LANES) {
                        Squares.panel(from, (first + x * rowStride + c) * 4, rowStride * 4, Math.min(LANES, present - x) - 1, to,
                                panel + c * width + x, width);
                    }
                }
                for (int c = turned; c < cols; c += STAGE) {
                    int n = Math.min(STAGE, cols - c);
                    for (int x = 0; x < present; x++) {
                        load(from, half, first + x * rowStride + c, n, stage, x * STAGE);
                    }
                    interleave(stage, STAGE, present, n, width, to, panel + c * width);
                }
            } else if (!half && rowStride == 1 && present == width && first + (cols - 1) * colStride + width + LANES <= end) {
                for (int c = 0; c < cols; c++) {
                    for (int x = 0; x < width; x += LANES) {
                        FloatVector.fromMemorySegment(SPECIES, from, (first + c * colStride + x) * 4, ORDER)
                                .intoArray(to, panel + c * width + x);
                    }
                }
            } else if (rowStride == 1) {
                for (int c = 0; c < cols; c++) {
                    load(from, half, first + c * colStride, present, to, panel + c * width);
                }
            } else {
                for (int c = 0; c < cols; c++) {
                    for (int x = 0; x < present; x++) {
                        to[panel + c * width + x] = get(from, half, first + x * rowStride + c * colStride);
                    }
                }
            }
        }
    }

    /** {@code to[at + c · width + r] = from[r · stride + c]}. */
    private static void interleave(float[] from, int stride, int rows, int cols, int width, float[] to, int at) {
        int r = 0;
        for (; r <= rows - 4; r += 4) {
            int s0 = r * stride;
            int s1 = s0 + stride;
            int s2 = s1 + stride;
            int s3 = s2 + stride;
            int t = at + r;
            for (int c = 0; c < cols; c++, t += width) {
                to[t] = from[s0 + c];
                to[t + 1] = from[s1 + c];
                to[t + 2] = from[s2 + c];
                to[t + 3] = from[s3 + c];
            }
        }
        for (; r < rows; r++) {
            for (int c = 0; c < cols; c++) {
                to[at + c * width + r] = from[r * stride + c];
            }
        }
    }

    /**
     * Rows of a task as a slab, element d of row i at {@code at + d / SLAB · BLOCK · SLAB + i · SLAB + d % SLAB},
     * times a
     * factor for each dimension if there are factors; zeros up to whole tiles' columns.
     */
    static void slab(HeadRows from, Rows rows, int start, int count, float @Nullable [] factors, float[] to, int at) {
        int dim = from.dim();
        int padded = Math.ceilDiv(dim, Tiles.COLS) * Tiles.COLS;
        if (from.half()) {
            halfSlab(from, rows, start, count, padded, factors, to, at);
            return;
        }
        int whole = Lanes.whole(dim);
        VectorMask<Float> rest = Lanes.first(dim - whole);
        for (int i = 0; i < count; i++) {
            long row = from.at(rows.at(start + i));
            int d = 0;
            for (; d < whole; d += LANES) {
                FloatVector x = FloatVector.fromMemorySegment(SPECIES, from.memory(), (row + d) * 4, ORDER);
                (factors == null ? x : x.mul(FloatVector.fromArray(SPECIES, factors, d))).intoArray(to, at + place(i,
                        d));
            }
            if (d < dim) {
                FloatVector x = FloatVector.fromMemorySegment(SPECIES, from.memory(), (row + d) * 4, ORDER, rest);
                (factors == null ? x : x.mul(FloatVector.fromArray(SPECIES, factors, d, rest))).intoArray(to, at
                        + place(i, d));
                d += LANES;
            }
            for (; d < padded; d += LANES) {
                FloatVector.zero(SPECIES).intoArray(to, at + place(i, d));
            }
        }
    }

    /** As {@link #slab}, of bfloat16. */
    private static void halfSlab(HeadRows from, Rows rows, int start, int count, int padded, float @Nullable [] factors, float[] to,
            int at) {
        for (int i = 0; i < count; i++) {
            long row = from.at(rows.at(start + i));
            for (int d = 0; d < padded; d += Tiles.SLAB) {
                int n = Math.clamp(from.dim() - d, 0, Tiles.SLAB);
                int place = at + place(i, d);
                load(from.memory(), true, row + d, n, to, place);
                for (int x = 0; factors != null && x < n; x++) {
                    to[place + x] *= factors[d + x];
                }
                Arrays.fill(to, place + n, place + Math.min(Tiles.SLAB, padded - d), 0f);
            }
        }
    }

    /** Element d of row i within a slab. */
    static int place(int i, int d) {
        return d / Tiles.SLAB * (Tiles.BLOCK * Tiles.SLAB) + i * Tiles.SLAB + d % Tiles.SLAB;
    }

    /** Length of a slab of {@code dim} columns. */
    static int slabLength(int dim) {
        return Math.ceilDiv(dim, Tiles.SLAB) * Tiles.BLOCK * Tiles.SLAB;
    }

    /**
     * Rows of a task as columns of packed panels, times {@code scale} and a factor for each dimension if there are
     * factors.
     */
    static void columns(HeadRows from, Rows rows, int start, int count, float scale, float @Nullable [] factors,
            float[] to,
            int at, float[] stage) {
        int dim = from.dim();
        for (int r = 0; r < count; r += Tiles.COLS) {
            int present = Math.min(Tiles.COLS, count - r);
            for (int x = 0; x < present; x++) {
                load(from.memory(), from.half(), from.at(rows.at(start + r + x)), dim, stage, x * dim);
            }
            for (int x = 0; x < present && (factors != null || scale != 1); x++) {
                for (int d = 0; d < dim; d++) {
                    stage[x * dim + d] *= factors == null ? scale : scale * factors[d];
                }
            }
            int panel = at + r * dim;
            if (present < Tiles.COLS) {
                Arrays.fill(to, panel, panel + Tiles.COLS * dim, 0f);
            }
            interleave(stage, dim, present, dim, Tiles.COLS, to, panel);
        }
    }

    /** Adds {@code scale} times a slab to rows of a task. */
    static void addSlab(float[] from, int at, float scale, HeadRows to, Rows rows, int start, int count) {
        int dim = to.dim();
        for (int i = 0; i < count; i++) {
            long row = to.at(rows.at(start + i));
            for (int d = 0; d < dim; d += LANES) {
                VectorMask<Float> in = Lanes.first(dim - d);
                FloatVector.fromArray(SPECIES, from, at + place(i, d)).fma(FloatVector.broadcast(SPECIES, scale),
                        FloatVector.fromMemorySegment(SPECIES, to.memory(), (row + d) * 4, ORDER, in))
                        .intoMemorySegment(to.memory(), (row + d) * 4, ORDER, in);
            }
        }
    }
}
