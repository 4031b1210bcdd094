package dev.longspan.kernel.host;

import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** Segments of tensors as C takes them: from the first element, and no longer than what the call may touch. */
final class Memory {

    /** Elements of a result that no cache holds: 16 MiB. */
    private static final long LARGE = 1 << 22;
    /** A call for so many elements writes past the caches (longspan.h). */
    private static final long PAST_CACHES = 1 << 16;

    private Memory() {
    }

    /** Elements of a work item: {@code usual}, or more where the whole result is to be written past the caches. */
    static long item(long elements, long usual) {
        return elements >= LARGE ? PAST_CACHES : usual;
    }

    /** {@code n} elements from row-major element {@code from} of a contiguous float32 tensor on. */
    static MemorySegment range(Tensor tensor, long from, long n) {
        return slice(floats(tensor), from, n);
    }

    /** As {@link #range}; NULL where the tensor is absent. In a work item {@link #cut} is what C2 keeps off the heap. */
    static MemorySegment rangeOrNull(@Nullable Tensor tensor, long from, long n) {
        // One slice of either: C2 keeps it off the heap, which it does not where a slice meets NULL.
        MemorySegment of = tensor == null ? MemorySegment.NULL : floats(tensor).segment();
        return of.asSlice(tensor == null || n == 0 ? 0 : (tensor.offset() + from) * 4, tensor == null ? 0 : n * 4);
    }

    /** All elements of a contiguous float32 tensor; NULL where it is absent. */
    static MemorySegment allOrNull(@Nullable Tensor tensor) {
        return rangeOrNull(tensor, 0, tensor == null ? 0 : tensor.elements());
    }

    /** {@code n} floats from float {@code at} on of what may be NULL, without a branch that costs C2 its inlining. */
    static MemorySegment cut(MemorySegment of, long at, long n) {
        long unit = of.byteSize() == 0 ? 0 : 4;
        return of.asSlice(at * unit, n * unit);
    }

    /** {@code rows} rows of {@code cols} neighbours from row {@code from} on; rows have the stride of dimension 0. */
    static MemorySegment rows(Tensor tensor, long from, long rows, long cols) {
        return slice(floats(tensor), from * tensor.stride(0), rows == 0 || cols == 0 ? 0 : (rows - 1) * tensor.stride(0) + cols);
    }

    /** The elements of a matrix from (row, col) on, whatever its strides. */
    static MemorySegment matrix(Tensor tensor, long row, long col, long rows, long cols) {
        return elements(floats(tensor), row, col, rows, cols);
    }

    private static MemorySegment elements(Tensor tensor, long row, long col, long rows, long cols) {
        return slice(tensor, row * tensor.stride(0) + col * tensor.stride(1),
                rows == 0 || cols == 0 ? 0 : (rows - 1) * tensor.stride(0) + (cols - 1) * tensor.stride(1) + 1);
    }

    /** As {@link #matrix}, of bfloat16 or float32: see {@link #half}. */
    static MemorySegment operand(Tensor tensor, long row, long col, long rows, long cols) {
        return tensor.dtype() == DType.BF16 ? elements(tensor, row, col, rows, cols) : matrix(tensor, row, col, rows, cols);
    }

    /** {@code rows} rows of {@code cols} neighbours, {@code stride} apart, from {@code from} elements behind the first on. */
    static MemorySegment strided(Tensor tensor, long from, long rows, long stride, long cols) {
        Tensor checked = half(tensor) ? tensor : floats(tensor);
        return slice(checked, from, rows == 0 || cols == 0 ? 0 : (rows - 1) * stride + cols);
    }

    /** Whether elements are bfloat16. */
    static boolean half(Tensor tensor) {
        return tensor.dtype() == DType.BF16;
    }

    /** {@code n} ids of I32 or I64 from element {@code from} on. */
    static MemorySegment ids(Tensor ids, long from, long n) {
        if (ids.dtype() != DType.I32 && ids.dtype() != DType.I64) {
            throw new IllegalArgumentException("ids must be I32 or I64: dtype=" + ids.dtype());
        }
        return slice(neighbours(ids), from, n);
    }

    /** Whether ids are 64 bits wide, as C wants to know it. */
    static int wide(Tensor ids) {
        return ids.dtype() == DType.I64 ? 1 : 0;
    }

    private static Tensor floats(Tensor tensor) {
        if (tensor.dtype() != DType.F32) {
            throw new IllegalArgumentException("host kernels compute with F32: dtype=" + tensor.dtype());
        }
        return tensor;
    }

    private static Tensor neighbours(Tensor tensor) {
        if (!tensor.isContiguous()) {
            throw new IllegalArgumentException("elements must be neighbours: " + tensor);
        }
        return tensor;
    }

    private static MemorySegment slice(Tensor tensor, long from, long n) {
        long bytes = tensor.dtype().bytes();
        // Nothing may be said to lie behind the end of an empty tensor.
        return tensor.segment().asSlice(n == 0 ? 0 : (tensor.offset() + from) * bytes, n * bytes);
    }
}
