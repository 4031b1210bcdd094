package dev.longspan.kernel.vector;

import static dev.longspan.kernel.vector.Lanes.LANES;
import static dev.longspan.kernel.vector.Lanes.ORDER;
import static dev.longspan.kernel.vector.Lanes.SPECIES;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/**
 * Brings rows of an off-heap float32 matrix into scratch, in the orders that the register tiles read. The only place that
 * knows the element type. Offsets and strides count elements.
 */
final class Packing {

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

    /** Columns interleaved: {@code to[at + (r / width) · width · cols + c · width + r % width] = from[r][c]}, zeros up to a multiple of width. */
    static void panels(MemorySegment from, long offset, long rowStride, long colStride, int rows, int cols, int width,
            float[] to, int at, float[] stage) {
        for (int r = 0; r < rows; r += width) {
            int present = Math.min(width, rows - r);
            long first = offset + r * rowStride;
            int panel = at + r * cols;
            if (present < width) {
                Arrays.fill(to, panel, panel + width * cols, 0f);
            }
            if (colStride == 1) {
                for (int x = 0; x < present; x++) {
                    load(from, first + x * rowStride, cols, stage, x * cols);
                }
                interleave(stage, 0, cols, present, cols, width, to, panel);
            } else if (rowStride == 1) {
                for (int c = 0; c < cols; c++) {
                    load(from, first + c * colStride, present, to, panel + c * width);
                }
            } else {
                for (int c = 0; c < cols; c++) {
                    for (int x = 0; x < present; x++) {
                        to[panel + c * width + x] = from.get(ValueLayout.JAVA_FLOAT_UNALIGNED,
                                (first + x * rowStride + c * colStride) * 4);
                    }
                }
            }
        }
    }

    /** {@code to[at + c · width + r] = from[start + r · stride + c]}. */
    static void interleave(float[] from, int start, int stride, int rows, int cols, int width, float[] to, int at) {
        int r = 0;
        for (; r <= rows - 4; r += 4) {
            int s0 = start + r * stride;
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
                to[at + c * width + r] = from[start + r * stride + c];
            }
        }
    }
}
