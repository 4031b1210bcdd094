package dev.longspan.checkpoint;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** The bytes of a pickle from its first to its last; what runs out of them is a ModelFormatException with the byte of the file. */
final class PickleBytes {

    /** The longest name of a tensor's part, a global or a device. */
    private static final int MAX_TEXT_BYTES = 1024;

    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfDouble DOUBLE =
            ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private final Path file;
    private final long start;
    private final MemorySegment bytes;
    private long opcodeAt;
    private long at;

    PickleBytes(Path file, long start, MemorySegment bytes) {
        this.file = file;
        this.start = start;
        this.bytes = bytes;
    }

    /** The byte of the file where the current opcode stands. */
    long place() {
        return start + opcodeAt;
    }

    boolean atEnd() {
        return at == bytes.byteSize();
    }

    int opcode() {
        opcodeAt = at;
        return u8();
    }

    int u8() {
        return Byte.toUnsignedInt(bytes.get(ValueLayout.JAVA_BYTE, take(1)));
    }

    int u16() {
        return Short.toUnsignedInt(bytes.get(SHORT, take(2)));
    }

    int i32() {
        return bytes.get(INT, take(4));
    }

    long u32() {
        return Integer.toUnsignedLong(i32());
    }

    long i64() {
        return bytes.get(LONG, take(8));
    }

    double bigEndianDouble() {
        return bytes.get(DOUBLE, take(8));
    }

    /** Little-endian two's complement of at most eight bytes. */
    long integer(int length) {
        if (length > 8) {
            throw wrong("an int must not have more than 8 bytes: bytes=" + length);
        }
        long from = take(length);
        long value = 0;
        for (int i = length - 1; i >= 0; i--) {
            byte next = bytes.get(ValueLayout.JAVA_BYTE, from + i);
            value = i == length - 1 ? next : value << 8 | Byte.toUnsignedLong(next);
        }
        return value;
    }

    String text(long length) {
        if (length < 0 || length > MAX_TEXT_BYTES) {
            throw wrong("a str must not have more than " + MAX_TEXT_BYTES + " bytes: bytes=" + Long.toUnsignedString(length));
        }
        byte[] text = bytes.asSlice(take(length), length).toArray(ValueLayout.JAVA_BYTE);
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(text)).toString();
        } catch (CharacterCodingException e) {
            throw wrong("a str must be UTF-8");
        }
    }

    /** Text up to a line feed, which is skipped. */
    String line() {
        long from = at;
        while (u8() != '\n') {
            if (at - from > MAX_TEXT_BYTES) {
                throw wrong("a line must not have more than " + MAX_TEXT_BYTES + " bytes");
            }
        }
        return new String(bytes.asSlice(from, at - 1 - from).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.ISO_8859_1);
    }

    /** Protocol 4 says how many bytes belong together, which matters to streams only. */
    void frame() {
        long length = i64();
        if (length < 0 || length > bytes.byteSize() - at) {
            throw wrong("frame must lie within the pickle: bytes=" + Long.toUnsignedString(length) + ", left="
                    + (bytes.byteSize() - at));
        }
    }

    static String shown(int opcode) {
        return opcode > ' ' && opcode < 0x7F ? " ('" + (char) opcode + "')" : "";
    }

    ModelFormatException wrong(String problem) {
        return new ModelFormatException(file, place(), null, problem);
    }

    private long take(long count) {
        if (count > bytes.byteSize() - at) {
            throw wrong("pickle is truncated: it ends after " + bytes.byteSize() + " bytes");
        }
        long from = at;
        at += count;
        return from;
    }
}
