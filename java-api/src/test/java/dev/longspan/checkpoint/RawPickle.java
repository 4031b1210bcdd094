package dev.longspan.checkpoint;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** A pickle, opcode by opcode, as Python writes it under protocol 2 or 4, or as nobody does. */
final class RawPickle {

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final int protocol;
    private int memo;

    RawPickle(int protocol) {
        this.protocol = protocol;
        raw(0x80, protocol);
    }

    RawPickle raw(int... bytes) {
        for (int b : bytes) {
            out.write(b);
        }
        return this;
    }

    RawPickle op(char opcode) {
        return raw(opcode);
    }

    RawPickle text(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        if (protocol >= 4 && bytes.length < 256) {
            raw(0x8c, bytes.length);
        } else {
            out.writeBytes(little(5).put((byte) 'X').putInt(bytes.length).array());
        }
        out.writeBytes(bytes);
        return memoize();
    }

    RawPickle memoize() {
        if (protocol >= 4) {
            return raw(0x94);
        }
        return memo < 256 ? raw('q', memo++) : put(memo++);
    }

    private RawPickle put(int index) {
        out.writeBytes(little(5).put((byte) 'r').putInt(index).array());
        return this;
    }

    RawPickle integer(long value) {
        if (value >= 0 && value < 256) {
            return raw('K', (int) value);
        } else if (value >= 0 && value < 65536) {
            return raw('M', (int) value & 255, (int) value >> 8);
        } else if (value == (int) value) {
            out.writeBytes(little(5).put((byte) 'J').putInt((int) value).array());
        } else {
            out.writeBytes(little(10).put((byte) 0x8a).put((byte) 8).putLong(value).array());
        }
        return this;
    }

    RawPickle global(String module, String name) {
        if (protocol >= 4) {
            return text(module).text(name).raw(0x93).memoize();
        }
        raw('c');
        out.writeBytes((module + "\n" + name + "\n").getBytes(StandardCharsets.UTF_8));
        return memoize();
    }

    RawPickle emptyTuple() {
        return op(')');
    }

    RawPickle orderedDict() {
        return global("collections", "OrderedDict").emptyTuple().op('R').memoize();
    }

    RawPickle integers(long... values) {
        op('(');
        for (long value : values) {
            integer(value);
        }
        return op('t').memoize();
    }

    RawPickle storage(String type, String key, long elements) {
        op('(').text("storage").global("torch", type).text(key).text("cpu").integer(elements);
        return op('t').memoize().op('Q');
    }

    RawPickle tensor(String type, String key, long elements, long offset, long[] sizes, long[] strides) {
        global("torch._utils", "_rebuild_tensor_v2").op('(').storage(type, key, elements).integer(offset);
        return integers(sizes).integers(strides).raw(0x89).orderedDict().op('t').memoize().op('R').memoize();
    }

    /** The tensor that {@code inner} puts on the stack, as a Parameter. */
    RawPickle parameter(Runnable inner) {
        global("torch._utils", "_rebuild_parameter");
        inner.run();
        return raw(0x88).orderedDict().raw(0x87).memoize().op('R').memoize();
    }

    byte[] stop() {
        op('.');
        return out.toByteArray();
    }

    private static ByteBuffer little(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    }
}
