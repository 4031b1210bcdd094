package dev.longspan.tensor;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;

/** A tensor of a device as the CPU works on it: the bytes from its first element to its last, brought over and back as one. */
final class Window {

    private Window() {
    }

    /** The same elements with the same strides in host memory. */
    static Tensor opened(Tensor tensor) {
        Tensor host = beside(tensor);
        if (tensor.elements() > 0) {
            device(tensor).download(tensor.address(), host.segment());
        }
        return host;
    }

    /** Lets the CPU write to a tensor. */
    static Tensor write(Tensor tensor, Consumer<Tensor> change) {
        if (tensor.elements() > 0) {
            Tensor host = tensor.isContiguous() ? beside(tensor) : opened(tensor); // what lies between the elements stays
            change.accept(host);
            device(tensor).upload(host.segment(), tensor.address());
        }
        return tensor;
    }

    /** One value everywhere. */
    static Tensor fill(Tensor tensor, double value) {
        if (!tensor.isContiguous()) {
            return write(tensor, host -> host.fill(value));
        }
        if (tensor.elements() > 0) {
            MemorySegment one = MemorySegment.ofArray(new byte[Long.BYTES]);
            Elements.set(one, tensor.dtype(), 0, value);
            device(tensor).fill(tensor.address(), tensor.dtype().bytes(), Elements.getLong(one, DType.I64, 0), tensor.elements());
        }
        return tensor;
    }

    /** All elements of {@code from}, of which one at least is a device's, converted. */
    static void copy(Tensor from, Tensor to) {
        if (from.elements() == 0) {
            return;
        }
        if (to.isOnHost()) {
            to.copyFrom(opened(from));
        } else if (!from.storage().space().equals(to.storage().space())) {
            Tensor host = from.onHost();
            if (host.isContiguous() && to.isContiguous() && from.dtype() == to.dtype()) {
                int bytes = from.dtype().bytes();
                device(to).upload(host.segment().asSlice(host.offset() * bytes, host.elements() * bytes), to.address());
            } else {
                write(to, window -> window.copyFrom(host));
            }
        } else if (from.dtype() == to.dtype() && from.isContiguous() && to.isContiguous()) {
            device(to).copy(from.address(), to.address(), from.elements() * from.dtype().bytes());
        } else {
            device(to).copy(from, to);
        }
    }

    private static DeviceSpace device(Tensor tensor) {
        return (DeviceSpace) tensor.storage().space();
    }

    private static Tensor beside(Tensor tensor) {
        long[] strides = new long[tensor.rank()];
        long last = 0;
        for (int d = 0; d < strides.length; d++) {
            strides[d] = tensor.stride(d);
            last += Math.max(0, tensor.size(d) - 1) * strides[d];
        }
        long bytes = tensor.elements() == 0 ? 0 : (last + 1) * tensor.dtype().bytes();
        Storage storage = Storage.host(Arena.ofAuto().allocate(bytes, 64), () -> { });
        return Tensor.of(storage, 0, tensor.dtype(), tensor.shape(), strides);
    }
}
