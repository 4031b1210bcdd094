package dev.longspan.text;

import java.nio.charset.StandardCharsets;

/**
 * The byte tokenizer: token id = byte, 0 to 255. Id {@link #SEPARATOR} stands before every document and nowhere within one,
 * so that it both starts and ends a text.
 */
public final class Bytes {

    public static final int VOCABULARY = 256;

    /** Byte 0: no text file holds it, and files that do are binary and not read. */
    public static final int SEPARATOR = 0;

    private Bytes() {
    }

    /** UTF-8 bytes as ids. */
    public static long[] encode(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        long[] ids = new long[bytes.length];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = Byte.toUnsignedInt(bytes[i]);
        }
        return ids;
    }
}
