package dev.longspan.tensor;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** A device whose memory is one segment that nobody else can reach, and which counts what crosses the bus. */
public final class PretendedDevice implements DeviceSpace {

    private static final long BASE = 1L << 40;

    private final MemorySegment memory = Arena.ofAuto().allocate(1 << 20, 64);
    private long used;
    private int crossings;

    public int crossings() {
        return crossings;
    }

    @Override
    public String name() {
        return "pretended";
    }

    @Override
    public boolean isHost() {
        return false;
    }

    @Override
    public Allocator allocator() {
        return new Allocator() {
            @Override
            public Storage allocate(long bytes, Owner owner) {
                long at = used;
                used += Math.ceilDiv(bytes, 64) * 64;
                memory.asSlice(at, bytes).fill((byte) 0);
                return Storage.device(PretendedDevice.this, BASE + at, bytes, owner);
            }

            @Override
            public void close() {
            }
        };
    }

    @Override
    public void upload(MemorySegment from, long to) {
        crossings++;
        at(to, from.byteSize()).copyFrom(from);
    }

    @Override
    public void download(long from, MemorySegment to) {
        crossings++;
        to.copyFrom(at(from, to.byteSize()));
    }

    @Override
    public void copy(long from, long to, long bytes) {
        at(to, bytes).copyFrom(at(from, bytes));
    }

    @Override
    public void fill(long at, int width, long bits, long count) {
        byte[] element = new byte[width];
        for (int i = 0; i < width; i++) {
            element[i] = (byte) (bits >>> 8 * i);
        }
        for (long i = 0; i < count; i++) {
            at(at + i * width, width).copyFrom(MemorySegment.ofArray(element));
        }
    }

    @Override
    public void copy(Tensor from, Tensor to) {
        onHost(to).copyFrom(onHost(from));
    }

    private Tensor onHost(Tensor tensor) {
        long[] strides = new long[tensor.rank()];
        Arrays.setAll(strides, tensor::stride);
        long start = tensor.storage().address();
        return Tensor.of(Storage.host(at(start, tensor.storage().bytes()), () -> { }), tensor.offset(), tensor.dtype(),
                tensor.shape(), strides);
    }

    private MemorySegment at(long address, long bytes) {
        return memory.asSlice(address - BASE, bytes);
    }
}
