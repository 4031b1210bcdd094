package dev.longspan.tensor;

import java.lang.foreign.MemorySegment;

/**
 * Memory that the CPU does not reach: bytes are moved by address. What is enqueued here happens in order; only
 * {@link #upload} and {@link #download} wait until it has happened.
 */
public interface DeviceSpace extends MemorySpace {

    /** Copies host memory to address {@code to}. */
    void upload(MemorySegment from, long to);

    /** Copies memory from address {@code from} to host memory. */
    void download(long from, MemorySegment to);

    /** Copies within the device; the ranges may overlap. */
    void copy(long from, long to, long bytes);

    /** Writes {@code count} elements of {@code width} bytes (1, 2, 4 or 8), each with the low bits of {@code bits}. */
    void fill(long at, int width, long bits, long count);

    /** Copies all elements of a tensor here to one of the same shape here, whatever their strides, converted between dtypes. */
    void copy(Tensor from, Tensor to);
}
