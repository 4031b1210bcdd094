package dev.longspan.kernel.cuda;

import dev.longspan.bindings.cuda.LongspanCuda;
import dev.longspan.bindings.cuda.ls_cuda_copy_params;
import dev.longspan.bindings.driver.Driver;
import dev.longspan.tensor.Allocator;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.DeviceSpace;
import dev.longspan.tensor.Owner;
import dev.longspan.tensor.Storage;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** The memory of a device and the stream on which all that happens to it happens in order. */
public final class CudaSpace implements DeviceSpace {

    private static final int MAX_RANK = 6;

    private final CudaDevice device;
    private final CudaStream stream;
    private final Staging staging;
    private final DeviceScratch scratch;
    private final Tables tables;

    private CudaSpace(CudaDevice device) {
        this.device = device;
        this.stream = new CudaStream(device);
        this.staging = new Staging(stream);
        this.scratch = new DeviceScratch(device);
        this.tables = new Tables(this);
    }

    /** Memory of a device with a stream of its own; tensors of one space are unknown to another. */
    public static CudaSpace of(CudaDevice device) {
        return new CudaSpace(device);
    }

    public CudaDevice device() {
        return device;
    }

    public CudaStream stream() {
        return stream;
    }

    /** Memory for one call that the next one may have again: the stream keeps them apart. */
    long scratch(DeviceScratch.Slot slot, long bytes) {
        return scratch.take(slot, bytes);
    }

    /** The memory that a kernel asks for. */
    MemorySegment kernelScratch(long bytes) {
        return bytes == 0 ? MemorySegment.NULL : MemorySegment.ofAddress(scratch.take(DeviceScratch.Slot.KERNEL, bytes));
    }

    Tables tables() {
        return tables;
    }

    @Override
    public String name() {
        return "cuda";
    }

    @Override
    public boolean isHost() {
        return false;
    }

    @Override
    public Allocator allocator() {
        return new Allocator() {
            private final List<DeviceBlock> blocks = new ArrayList<>();

            @Override
            public synchronized Storage allocate(long bytes, Owner owner) {
                if (stream.recording() != null) {
                    throw new IllegalStateException("tensors must be allocated before a graph is recorded (a first run makes a "
                            + "workspace large enough): bytes=" + bytes);
                }
                DeviceBlock block = DeviceBlock.allocate(device, bytes);
                blocks.add(block);
                fill(block.address(), 1, 0, bytes);
                return Storage.device(CudaSpace.this, block.address(), bytes, owner);
            }

            @Override
            public synchronized void close() {
                blocks.forEach(DeviceBlock::close);
            }
        };
    }

    @Override
    public void upload(MemorySegment from, long to) {
        staging.upload(from, to);
    }

    @Override
    public void download(long from, MemorySegment to) {
        staging.download(from, to);
    }

    @Override
    public void copy(long from, long to, long bytes) {
        if (bytes == 0 || from == to) {
            return;
        }
        if (Math.abs(from - to) >= bytes) {
            stream.enqueue("a copy", s -> Driver.cuMemcpyDtoDAsync_v2(to, from, bytes, s));
        } else {
            long between = scratch.take(DeviceScratch.Slot.COPY, bytes);
            stream.enqueue("a copy", s -> Driver.cuMemcpyDtoDAsync_v2(between, from, bytes, s));
            stream.enqueue("a copy", s -> Driver.cuMemcpyDtoDAsync_v2(to, between, bytes, s));
        }
    }

    @Override
    public void fill(long at, int width, long bits, long count) {
        if (count == 0) {
            return;
        }
        int low = (int) bits;
        int high = (int) (bits >>> Integer.SIZE);
        stream.enqueue("a fill", s -> switch (width) {
            case 1 -> Driver.cuMemsetD8Async(at, (byte) bits, count, s);
            case 2 -> Driver.cuMemsetD16Async(at, (short) bits, count, s);
            case 4 -> Driver.cuMemsetD32Async(at, low, count, s);
            default -> low == high ? Driver.cuMemsetD32Async(at, low, 2 * count, s)
                    : Driver.cuMemsetD2D32Async(at, Long.BYTES, low, 1, count, s);
        });
        if (width == Long.BYTES && low != high) {
            stream.enqueue("a fill", s -> Driver.cuMemsetD2D32Async(at + Integer.BYTES, Long.BYTES, high, 1, count, s));
        }
    }

    @Override
    public void copy(Tensor from, Tensor to) {
        if (from.rank() > MAX_RANK) {
            throw new IllegalArgumentException("a device copies tensors of up to " + MAX_RANK + " dimensions: from=" + from);
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment p = ls_cuda_copy_params.allocate(arena).fill((byte) 0);
            ls_cuda_copy_params.size(p, ls_cuda_copy_params.sizeof());
            ls_cuda_copy_params.rank(p, from.rank());
            for (int d = 0; d < from.rank(); d++) {
                ls_cuda_copy_params.shape(p, d, from.size(d));
                ls_cuda_copy_params.from_stride(p, d, from.stride(d));
                ls_cuda_copy_params.to_stride(p, d, to.stride(d));
            }
            ls_cuda_copy_params.from(p, MemorySegment.ofAddress(from.address()));
            ls_cuda_copy_params.to(p, MemorySegment.ofAddress(to.address()));
            ls_cuda_copy_params.from_type(p, type(from.dtype()));
            ls_cuda_copy_params.to_type(p, type(to.dtype()));
            stream.launch("copy", s -> LongspanCuda.ls_cuda_copy(p, s));
        }
    }

    private static int type(DType dtype) {
        return switch (dtype) {
            case F32 -> LongspanCuda.LS_F32();
            case F64 -> LongspanCuda.LS_F64();
            case BF16 -> LongspanCuda.LS_BF16();
            case I32 -> LongspanCuda.LS_I32();
            case I64 -> LongspanCuda.LS_I64();
            case F16 -> LongspanCuda.LS_F16();
            case BOOL -> LongspanCuda.LS_BOOL();
            case U8 -> LongspanCuda.LS_U8();
        };
    }
}
