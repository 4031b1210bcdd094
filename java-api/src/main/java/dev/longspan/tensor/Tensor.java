package dev.longspan.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A view (offset, shape, strides, dtype) of a storage. Offsets and strides count elements. Two tensors are equal only if
 * they are the same object: gradients belong to a view, not to a value. Immutable itself; its elements are not.
 */
public final class Tensor {

    private final Storage storage;
    private final DType dtype;
    private final long offset;
    private final long[] shape;
    private final long[] strides;
    /** {@link #rows}, once asked for: which of several threads makes it does not matter. */
    private @Nullable Tensor rows;

    private Tensor(Storage storage, DType dtype, long offset, long[] shape, long[] strides) {
        this.storage = storage;
        this.dtype = dtype;
        this.offset = offset;
        this.shape = shape;
        this.strides = strides;
    }

    /** A row-major tensor over the start of a storage. */
    public static Tensor of(Storage storage, DType dtype, long... shape) {
        return of(storage, 0, dtype, shape);
    }

    /** A row-major tensor of this dtype and shape over the start of a storage. */
    public Tensor like(Storage other) {
        return isContiguous() && elements() > 0 && elements() * dtype.bytes() <= other.bytes()
                ? new Tensor(other, dtype, 0, shape, strides) : of(other, dtype, shape);
    }

    /** A row-major tensor that starts {@code offset} elements into the storage. */
    public static Tensor of(Storage storage, long offset, DType dtype, long... shape) {
        long needed = Math.addExact(Math.multiplyExact(offset, dtype.bytes()), byteSize(dtype, shape));
        if (offset < 0 || needed > storage.bytes()) {
            throw new IllegalArgumentException("tensor must fit its storage: offset=" + offset + ", shape="
                    + Arrays.toString(shape) + ", dtype=" + dtype + ", storage=" + storage.bytes() + " bytes");
        }
        return new Tensor(storage, dtype, offset, shape.clone(), rowMajor(shape));
    }

    /** A tensor whose neighbours along each dimension lie {@code strides} elements apart, from {@code offset} elements on. */
    public static Tensor of(Storage storage, long offset, DType dtype, long[] shape, long[] strides) {
        byteSize(dtype, shape);
        boolean fits = offset >= 0 && strides.length == shape.length;
        boolean empty = false;
        long last = offset;
        for (int d = 0; fits && d < shape.length; d++) {
            empty |= shape[d] == 0;
            fits = strides[d] >= 0;
            last = shape[d] < 2 ? last : Math.addExact(last, Math.multiplyExact(shape[d] - 1, strides[d]));
        }
        if (!fits || !empty && last >= storage.bytes() / dtype.bytes()) {
            throw new IllegalArgumentException("tensor must fit its storage: offset=" + offset + ", shape="
                    + Arrays.toString(shape) + ", strides=" + Arrays.toString(strides) + ", dtype=" + dtype + ", storage="
                    + storage.bytes() + " bytes");
        }
        return new Tensor(storage, dtype, offset, shape.clone(), strides.clone());
    }

    /** Bytes of a row-major tensor; rejects negative dimensions and overflow. */
    public static long byteSize(DType dtype, long... shape) {
        long elements = 1;
        try {
            for (long size : shape) {
                if (size < 0) {
                    throw new IllegalArgumentException("dimensions must not be negative: shape=" + Arrays.toString(shape));
                }
                elements = Math.multiplyExact(elements, size);
            }
            return Math.multiplyExact(elements, dtype.bytes());
        } catch (ArithmeticException e) {
            throw new IllegalArgumentException("shape is too large to address: shape=" + Arrays.toString(shape));
        }
    }

    public DType dtype() {
        return dtype;
    }

    public Storage storage() {
        return storage;
    }

    /** Elements from the start of the storage to element zero. */
    public long offset() {
        return offset;
    }

    public int rank() {
        return shape.length;
    }

    public long[] shape() {
        return shape.clone();
    }

    /** Whether the shape is this one. */
    public boolean hasShape(long... expected) {
        return Arrays.equals(shape, expected);
    }

    /** Whether both have one shape. */
    public boolean hasShapeOf(Tensor other) {
        return Arrays.equals(shape, other.shape);
    }

    /** Size of a dimension; negative counts from the last. */
    public long size(int dim) {
        return shape[dim(dim)];
    }

    /** Elements between neighbours along a dimension; negative counts from the last. */
    public long stride(int dim) {
        return strides[dim(dim)];
    }

    public long elements() {
        long n = 1;
        for (long size : shape) {
            n *= size;
        }
        return n;
    }

    /** Row-major without gaps. */
    public boolean isContiguous() {
        if (elements() == 0) {
            return true;
        }
        long expected = 1;
        for (int d = shape.length - 1; d >= 0; d--) {
            if (shape[d] != 1 && strides[d] != expected) {
                return false;
            }
            expected *= shape[d];
        }
        return true;
    }

    /** The whole storage's memory, checked to be alive: element i of a contiguous tensor lies at {@code offset() + i}. */
    public MemorySegment segment() {
        storage.owner().checkAlive();
        return storage.segment();
    }

    /** Where element zero lies in its space, checked to be alive. */
    public long address() {
        storage.owner().checkAlive();
        return storage.address() + offset * dtype.bytes();
    }

    /** Whether the CPU reaches the elements; those of a device are brought over and back by every method that shows or sets them. */
    public boolean isOnHost() {
        return storage.space().isHost();
    }

    /** This tensor where the CPU reaches it, otherwise a copy of it there. */
    public Tensor onHost() {
        if (isOnHost()) {
            return this;
        }
        return Window.opened(this);
    }

    /** The same elements under another row-major shape; one size may be -1. The tensor must be contiguous. */
    public Tensor reshape(long... to) {
        long[] target = to.clone();
        long known = 1;
        int free = -1;
        for (int d = 0; d < target.length; d++) {
            if (target[d] < -1) {
                throw new IllegalArgumentException("sizes must not be negative: " + Arrays.toString(to));
            } else if (target[d] != -1) {
                known *= target[d];
            } else if (free < 0) {
                free = d;
            } else {
                throw new IllegalArgumentException("only one size may be -1: " + Arrays.toString(to));
            }
        }
        if (free >= 0 && known > 0) {
            target[free] = elements() / known;
            known *= target[free];
        }
        if (known != elements() || (free >= 0 && target[free] < 0)) {
            throw new IllegalArgumentException("reshape must keep the number of elements: from="
                    + Arrays.toString(shape) + ", to=" + Arrays.toString(to));
        }
        if (!isContiguous()) {
            throw new IllegalArgumentException("reshape needs a contiguous tensor: shape=" + Arrays.toString(shape)
                    + ", strides=" + Arrays.toString(strides));
        }
        return new Tensor(storage, dtype, offset, target, rowMajor(target));
    }

    /** As [rows, last dimension], the same object each time. The tensor must be contiguous, of one dimension at least. */
    public Tensor rows() {
        Tensor view = rows;
        if (view == null) {
            if (shape.length == 0) {
                throw new IllegalArgumentException("tensor must have at least one dimension: " + this);
            }
            long last = shape[shape.length - 1];
            view = shape.length == 2 && isContiguous() ? this : reshape(last == 0 ? 0 : elements() / last, last);
            rows = view;
        }
        return view;
    }

    /** The same view as another object, which may have a gradient of its own. */
    public Tensor view() {
        return new Tensor(storage, dtype, offset, shape, strides);
    }

    /** Indices from (inclusive) to to (exclusive) of a dimension. */
    public Tensor slice(int dim, long from, long to) {
        int d = dim(dim);
        if (from < 0 || to < from || to > shape[d]) {
            throw new IllegalArgumentException("slice must lie within the dimension: from=" + from + ", to=" + to
                    + ", dimension " + d + " of " + Arrays.toString(shape));
        }
        long[] target = shape.clone();
        target[d] = to - from;
        return new Tensor(storage, dtype, offset + from * strides[d], target, strides);
    }

    /** One index of a dimension, which disappears. */
    public Tensor select(int dim, long index) {
        int d = dim(dim);
        Tensor one = slice(d, index, index + 1);
        return new Tensor(storage, dtype, one.offset, without(shape, d), without(strides, d));
    }

    /** Two dimensions exchanged. */
    public Tensor transpose(int dim0, int dim1) {
        int a = dim(dim0);
        int b = dim(dim1);
        long[] target = shape.clone();
        long[] steps = strides.clone();
        target[a] = shape[b];
        target[b] = shape[a];
        steps[a] = strides[b];
        steps[b] = strides[a];
        return new Tensor(storage, dtype, offset, target, steps);
    }

    /** One element as a double (integers exactly up to 2^53). */
    public double get(long... index) {
        if (index.length != shape.length) {
            throw new IllegalArgumentException("index must have rank " + shape.length + ": " + Arrays.toString(index));
        }
        long at = offset;
        for (int d = 0; d < shape.length; d++) {
            at += java.util.Objects.checkIndex(index[d], shape[d]) * strides[d];
        }
        return valueAt(at);
    }

    /** The only element of a tensor that holds one. */
    public double item() {
        if (elements() != 1) {
            throw new IllegalArgumentException("item needs exactly one element: shape=" + Arrays.toString(shape));
        }
        return valueAt(offset);
    }

    private double valueAt(long at) {
        return isOnHost() ? Elements.get(segment(), dtype, at)
                : new Tensor(storage, dtype, at, new long[0], new long[0]).onHost().item();
    }

    /** Elements in row-major order, converted. At most 2^31-1 of them. */
    public float[] toFloats() {
        if (!isOnHost()) {
            return onHost().toFloats();
        }
        float[] values = new float[Math.toIntExact(elements())];
        if (dtype == DType.F32 && isContiguous()) {
            MemorySegment.copy(segment(), ValueLayout.JAVA_FLOAT, offset * 4, values, 0, values.length);
            return values;
        }
        MemorySegment segment = segment();
        Elements.forEach(this, (i, at) -> values[(int) i] = (float) Elements.get(segment, dtype, at));
        return values;
    }

    /** Elements in row-major order, converted. At most 2^31-1 of them. */
    public double[] toDoubles() {
        if (!isOnHost()) {
            return onHost().toDoubles();
        }
        double[] values = new double[Math.toIntExact(elements())];
        MemorySegment segment = segment();
        Elements.forEach(this, (i, at) -> values[(int) i] = Elements.get(segment, dtype, at));
        return values;
    }

    /** Integer elements in row-major order. */
    public long[] toLongs() {
        if (!isOnHost()) {
            return onHost().toLongs();
        }
        long[] values = new long[Math.toIntExact(elements())];
        MemorySegment segment = segment();
        Elements.forEach(this, (i, at) -> values[(int) i] = Elements.getLong(segment, dtype, at));
        return values;
    }

    /** Writes row-major values, rounded to the dtype. */
    public Tensor set(double... values) {
        checkCount(values.length);
        if (!isOnHost()) {
            return Window.write(this, host -> host.set(values));
        }
        MemorySegment segment = segment();
        Elements.forEach(this, (i, at) -> Elements.set(segment, dtype, at, values[(int) i]));
        return this;
    }

    /** Writes row-major values, rounded to the dtype. */
    public Tensor set(float[] values) {
        checkCount(values.length);
        if (!isOnHost()) {
            return Window.write(this, host -> host.set(values));
        }
        MemorySegment segment = segment();
        if (dtype == DType.F32 && isContiguous()) {
            MemorySegment.copy(values, 0, segment, ValueLayout.JAVA_FLOAT, offset * 4, values.length);
        } else {
            Elements.forEach(this, (i, at) -> Elements.set(segment, dtype, at, values[(int) i]));
        }
        return this;
    }

    /** Writes row-major integers. */
    public Tensor set(long[] values) {
        checkCount(values.length);
        return set(values, 0);
    }

    /** Writes as many row-major integers as there are elements, from {@code values[from]} on. */
    public Tensor set(long[] values, int from) {
        java.util.Objects.checkFromIndexSize(from, elements(), values.length);
        if (!isOnHost()) {
            return Window.write(this, host -> host.set(values, from));
        }
        MemorySegment segment = segment();
        Elements.forEach(this, (i, at) -> Elements.setLong(segment, dtype, at, values[from + (int) i]));
        return this;
    }

    /** Writes one value everywhere. */
    public Tensor fill(double value) {
        if (!isOnHost()) {
            return Window.fill(this, value);
        }
        MemorySegment segment = segment();
        Elements.forEach(this, (i, at) -> Elements.set(segment, dtype, at, value));
        return this;
    }

    /** Writes zeros. */
    public Tensor zero() {
        if (!isOnHost() || !isContiguous()) {
            return fill(0);
        }
        if (elements() > 0) {
            segment().asSlice(offset * dtype.bytes(), elements() * dtype.bytes()).fill((byte) 0);
        }
        return this;
    }

    /** Copies all elements of a tensor of the same shape, converted between dtypes, from whatever space it lies in. */
    public Tensor copyFrom(Tensor source) {
        if (!Arrays.equals(shape, source.shape)) {
            throw new IllegalArgumentException("shapes must be equal: from=" + Arrays.toString(source.shape) + ", to="
                    + Arrays.toString(shape));
        }
        if (isOnHost() && source.isOnHost()) {
            Elements.copy(source, this);
        } else {
            Window.copy(source, this);
        }
        return this;
    }

    private void checkCount(int count) {
        if (count != elements()) {
            throw new IllegalArgumentException("values must fill the tensor: values=" + count + ", shape="
                    + Arrays.toString(shape));
        }
    }

    private int dim(int dim) {
        int d = dim < 0 ? dim + shape.length : dim;
        if (d < 0 || d >= shape.length) {
            throw new IllegalArgumentException("dimension must be within the rank: dim=" + dim + ", shape="
                    + Arrays.toString(shape));
        }
        return d;
    }

    private static long[] rowMajor(long[] shape) {
        long[] strides = new long[shape.length];
        long step = 1;
        for (int d = shape.length - 1; d >= 0; d--) {
            strides[d] = step;
            step *= Math.max(shape[d], 1);
        }
        return strides;
    }

    private static long[] without(long[] values, int index) {
        long[] rest = new long[values.length - 1];
        System.arraycopy(values, 0, rest, 0, index);
        System.arraycopy(values, index + 1, rest, index, rest.length - index);
        return rest;
    }

    @Override
    public String toString() {
        return dtype + Arrays.toString(shape);
    }
}
