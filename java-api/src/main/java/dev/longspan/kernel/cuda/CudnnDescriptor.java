package dev.longspan.kernel.cuda;

import dev.longspan.bindings.cudnn.Cudnn;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * A descriptor of cuDNN's graph API: made, given its attributes, finished, read, destroyed. cuDNN reads through one that
 * was never filled and takes the process with it, so that each step checks here that the one before was done.
 */
final class CudnnDescriptor implements AutoCloseable {

    private final String name;
    private final MemorySegment pointer;
    private boolean finished;
    private boolean closed;

    private CudnnDescriptor(String name, MemorySegment pointer) {
        this.name = name;
        this.pointer = pointer;
    }

    /** A descriptor of a {@code CUDNN_BACKEND_..._DESCRIPTOR}; the name is for messages. */
    static CudnnDescriptor create(String name, int type) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
            CudnnException.check("create " + name, Cudnn.cudnnBackendCreateDescriptor(type, out));
            MemorySegment pointer = out.get(ValueLayout.ADDRESS, 0);
            if (pointer.address() == 0) {
                throw new IllegalStateException("cuDNN made no " + name);
            }
            return new CudnnDescriptor(name, pointer);
        }
    }

    /** Sets 64-bit numbers. */
    CudnnDescriptor set(int attribute, long... values) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment array = arena.allocateFrom(ValueLayout.JAVA_LONG, values);
            return set(attribute, Cudnn.CUDNN_TYPE_INT64(), values.length, array);
        }
    }

    /** Sets one value of an enumeration type of C. */
    CudnnDescriptor set(int attribute, int type, int value) {
        try (Arena arena = Arena.ofConfined()) {
            return set(attribute, type, 1, arena.allocateFrom(ValueLayout.JAVA_INT, value));
        }
    }

    CudnnDescriptor set(int attribute, boolean value) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment flag = arena.allocateFrom(ValueLayout.JAVA_BYTE, (byte) (value ? 1 : 0));
            return set(attribute, Cudnn.CUDNN_TYPE_BOOLEAN(), 1, flag);
        }
    }

    CudnnDescriptor set(int attribute, String value) {
        byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes);
            return set(attribute, Cudnn.CUDNN_TYPE_CHAR(), bytes.length, text);
        }
    }

    /** Sets other descriptors, which must be finished. */
    CudnnDescriptor set(int attribute, CudnnDescriptor... values) {
        return set(attribute, Cudnn.CUDNN_TYPE_BACKEND_DESCRIPTOR(),
                List.of(values).stream().map(CudnnDescriptor::finished).toList());
    }

    /** Sets pointers of a type: handles, addresses of data. */
    CudnnDescriptor set(int attribute, int type, List<MemorySegment> pointers) {
        try (Arena arena = Arena.ofConfined()) {
            return set(attribute, type, pointers.size(), array(arena, pointers));
        }
    }

    private CudnnDescriptor set(int attribute, int type, long count, MemorySegment values) {
        checkOpen();
        if (finished) {
            throw new IllegalStateException(name + " is finished and cannot be changed");
        }
        CudnnException.check(name + ", attribute " + attribute,
                Cudnn.cudnnBackendSetAttribute(pointer, attribute, type, count, values));
        return this;
    }

    /** Has cuDNN check all attributes; they are final then. */
    CudnnDescriptor finish() {
        checkOpen();
        CudnnException.check("finish " + name, Cudnn.cudnnBackendFinalize(pointer));
        finished = true;
        return this;
    }

    /** A 64-bit number of a finished descriptor. */
    long number(int attribute) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(ValueLayout.JAVA_LONG);
            long count = get(attribute, Cudnn.CUDNN_TYPE_INT64(), 1, value);
            if (count != 1) {
                throw new IllegalStateException(name + " must have one value of attribute " + attribute + ": values="
                        + count);
            }
            return value.get(ValueLayout.JAVA_LONG, 0);
        }
    }

    /** How many descriptors an attribute has. */
    long count(int attribute) {
        return get(attribute, Cudnn.CUDNN_TYPE_BACKEND_DESCRIPTOR(), 0, MemorySegment.NULL);
    }

    /** Has cuDNN fill descriptors with those of an attribute; as many as the result says are filled, and finished. */
    int fill(int attribute, List<CudnnDescriptor> descriptors) {
        try (Arena arena = Arena.ofConfined()) {
            long count = get(attribute, Cudnn.CUDNN_TYPE_BACKEND_DESCRIPTOR(), descriptors.size(),
                    array(arena, descriptors.stream().map(d -> d.pointer).toList()));
            int filled = (int) Math.min(count, descriptors.size());
            descriptors.subList(0, filled).forEach(d -> d.finished = true);
            return filled;
        }
    }

    private long get(int attribute, int type, long count, MemorySegment values) {
        finished();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment got = arena.allocate(ValueLayout.JAVA_LONG);
            CudnnException.check(name + ", attribute " + attribute,
                    Cudnn.cudnnBackendGetAttribute(pointer, attribute, type, count, got, values));
            return got.get(ValueLayout.JAVA_LONG, 0);
        }
    }

    /** What cuDNN knows it by, once it is finished and before it is closed. */
    MemorySegment finished() {
        checkOpen();
        if (!finished) {
            throw new IllegalStateException(name + " must be finished first");
        }
        return pointer;
    }

    private void checkOpen() {
        if (closed) {
            throw new IllegalStateException(name + " is closed");
        }
    }

    private static MemorySegment array(Arena arena, List<MemorySegment> pointers) {
        MemorySegment array = arena.allocate(ValueLayout.ADDRESS, pointers.size());
        for (int i = 0; i < pointers.size(); i++) {
            array.setAtIndex(ValueLayout.ADDRESS, i, pointers.get(i));
        }
        return array;
    }

    @Override
    public String toString() {
        return name;
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            CudnnException.check("destroy " + name, Cudnn.cudnnBackendDestroyDescriptor(pointer));
        }
    }
}
