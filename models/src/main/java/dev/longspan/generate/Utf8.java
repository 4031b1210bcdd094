package dev.longspan.generate;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Bytes to text as they come: a character appears once its last byte is there, what is no UTF-8 becomes U+FFFD. */
final class Utf8 {

    private static final int LONGEST = 4;

    private final CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder()
            .onMalformedInput(CodingErrorAction.REPLACE).onUnmappableCharacter(CodingErrorAction.REPLACE);
    private final ByteBuffer pending = ByteBuffer.allocate(2 * LONGEST);

    Utf8(byte... begun) {
        pending.put(begun);
    }

    /** Bytes of a character that has begun. */
    byte[] begun() {
        return Arrays.copyOf(pending.array(), pending.position());
    }

    /** The characters that this byte completes, often none. */
    String add(int value) {
        pending.put((byte) value);
        return decode(false);
    }

    /** What an unfinished character at the end stands for. */
    String end() {
        return decode(true);
    }

    private String decode(boolean last) {
        CharBuffer out = CharBuffer.allocate(4 * LONGEST);
        pending.flip();
        decoder.decode(pending, out, last);
        pending.compact();
        return out.flip().toString();
    }
}
