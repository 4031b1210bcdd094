package dev.longspan.kernel.cuda;

import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Addresses of tensors as C takes them, once what lies there is known to be what C expects. */
final class DevicePointer {

    private final CudaSpace space;

    DevicePointer(CudaSpace space) {
        this.space = space;
    }

    /** The first element of a tensor of this space. */
    MemorySegment of(Tensor tensor) {
        if (!tensor.storage().space().equals(space)) {
            throw new IllegalArgumentException("tensors must lie in the memory of the backend, new TensorArena(backend.space()): "
                    + tensor + " lies in " + tensor.storage().space().name());
        }
        return MemorySegment.ofAddress(tensor.address());
    }

    /** As {@link #of}; NULL where the tensor is absent. */
    MemorySegment orNull(@Nullable Tensor tensor) {
        return tensor == null ? MemorySegment.NULL : of(tensor);
    }

    /** A tensor of neighbours with {@code elements} elements of a dtype. */
    MemorySegment of(Tensor tensor, DType dtype, long elements) {
        if (tensor.dtype() != dtype || tensor.elements() != elements || !tensor.isContiguous()) {
            throw new IllegalArgumentException("tensor must be " + elements + " neighbours of " + dtype + ": " + tensor);
        }
        return of(tensor);
    }

    /** As {@link #of(Tensor, DType, long)}; NULL where the tensor is absent. */
    MemorySegment orNull(@Nullable Tensor tensor, DType dtype, long elements) {
        return tensor == null ? MemorySegment.NULL : of(tensor, dtype, elements);
    }

    /** A matrix whose rows are neighbours of a dtype, at the stride of dimension 0. */
    MemorySegment rows(Tensor tensor, DType dtype) {
        if (tensor.dtype() != dtype || tensor.rank() != 2 || tensor.size(1) > 1 && tensor.stride(1) != 1) {
            throw new IllegalArgumentException("tensor must be rows of neighbours of " + dtype + ": " + tensor);
        }
        return of(tensor);
    }

    /** {@code elements} neighbours of float32. */
    MemorySegment floats(Tensor tensor, long elements) {
        return of(tensor, DType.F32, elements);
    }

    MemorySegment floatsOrNull(@Nullable Tensor tensor, long elements) {
        return orNull(tensor, DType.F32, elements);
    }

    MemorySegment doublesOrNull(@Nullable Tensor tensor, long elements) {
        return orNull(tensor, DType.F64, elements);
    }

    /** {@code elements} neighbours of the dtype of {@code like}: float32 or bfloat16. */
    MemorySegment like(Tensor tensor, Tensor like, long elements) {
        return of(tensor, like.dtype(), elements);
    }

    MemorySegment likeOrNull(@Nullable Tensor tensor, Tensor like, long elements) {
        return orNull(tensor, like.dtype(), elements);
    }

    /** {@code n} ids of I32 or I64. */
    MemorySegment ids(Tensor ids, long n) {
        return of(ids, ids.dtype() == DType.I64 ? DType.I64 : DType.I32, n);
    }

    /** Whether ids are 64 bits wide, as C wants to know it. */
    static int wide(Tensor ids) {
        return ids.dtype() == DType.I64 ? 1 : 0;
    }

    /** Whether elements are bfloat16, as C wants to know it; other dtypes than that and float32 are refused. */
    static int half(Tensor tensor) {
        if (tensor.dtype() != DType.F32 && tensor.dtype() != DType.BF16) {
            throw new IllegalArgumentException("CUDA kernels compute with F32 and BF16: " + tensor);
        }
        return tensor.dtype() == DType.BF16 ? 1 : 0;
    }

    /** Throws unless a tensor has a shape. */
    static void shape(String name, Tensor tensor, long... expected) {
        if (!Arrays.equals(tensor.shape(), expected)) {
            throw new IllegalArgumentException(name + " must have shape " + Arrays.toString(expected) + ": " + name + "=" + tensor);
        }
    }
}
