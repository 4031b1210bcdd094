package dev.longspan.kernel.cuda;

import java.util.Arrays;
import java.util.Comparator;

/**
 * Sizes and strides, in elements, of a bfloat16 tensor as cuDNN's attention sees it: [batch, heads, rows, cols], elements
 * of a row neighbours. A dilated branch is a wider row stride: nothing is gathered.
 *
 * <p>Hopper's tensor maps need strides in pieces of 16 bytes and below 2^40 bytes, and a grid has at most 65,535 blocks
 * along its second and third axis. cuDNN 9.24 plans beyond either without a word, so both are checked here.
 *
 * @param rows tokens
 * @param cols head dimension, a multiple of 8
 */
record CudnnLayout(long batch, long heads, long rows, long cols, long batchStride, long headStride,
        long rowStride) {

    /** Elements of 16 bytes. */
    static final long PIECE = 8;

    /** Strides of a tensor map, of 2 bytes each. */
    static final long MOST = 1L << 39;

    /** Blocks of a CUDA grid along its second and third axis. */
    static final long MOST_BLOCKS = 65_535;

    CudnnLayout {
        checkSize("batch", batch, MOST_BLOCKS);
        checkSize("heads", heads, MOST_BLOCKS);
        checkSize("rows", rows, Integer.MAX_VALUE);
        checkSize("cols", cols, Integer.MAX_VALUE);
        checkPieces("cols", cols);
        checkStride("batchStride", batchStride);
        checkStride("headStride", headStride);
        checkStride("rowStride", rowStride);
    }

    private static void checkSize(String name, long value, long most) {
        if (value < 1 || value > most) {
            throw new IllegalArgumentException(name + " must be from 1 to " + most + ": " + name + "=" + value);
        }
    }

    private static void checkStride(String name, long value) {
        if (value < 1 || value >= MOST) {
            throw new IllegalArgumentException(name + " must be from 1 to " + (MOST - 1) + ": " + name + "=" + value);
        }
        checkPieces(name, value);
    }

    private static void checkPieces(String name, long value) {
        if (value % PIECE != 0) {
            throw new IllegalArgumentException(name + " must be a multiple of " + PIECE + ", 16 bytes: " + name + "="
                    + value);
        }
    }

    /** A contiguous [batch, tokens, heads, dim] tensor: how layers keep queries, keys and values. */
    static CudnnLayout ofTokens(long batch, long tokens, long heads, long dim) {
        return new CudnnLayout(batch, heads, tokens, dim, tokens * heads * dim, dim, heads * dim);
    }

    /** Every {@code dilation}-th row from the first on; for another phase data starts at another row. */
    CudnnLayout dilated(long dilation) {
        checkSize("dilation", dilation, Integer.MAX_VALUE);
        return new CudnnLayout(batch, heads, (rows + dilation - 1) / dilation, cols, batchStride, headStride,
                rowStride * dilation);
    }

    /** Whether a stride, taken from the smallest on, does not step over all that the smaller ones reach. */
    boolean overlaps() {
        long[][] axes = {{batchStride, batch}, {headStride, heads}, {rowStride, rows}};
        Arrays.sort(axes, Comparator.comparingLong(axis -> axis[0]));
        long inside = cols;
        for (long[] axis : axes) {
            if (axis[1] > 1) {
                if (axis[0] < inside) {
                    return true;
                }
                inside = axis[0] * (axis[1] - 1) + inside;
            }
        }
        return false;
    }

    long[] sizes() {
        return new long[] {batch, heads, rows, cols};
    }

    long[] strides() {
        return new long[] {batchStride, headStride, rowStride, 1};
    }
}
