package dev.longspan.checkpoint;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.StreamReadConstraints;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;

/** Strict UTF-8 JSON of bounded depth and string length, streamed from memory without a copy on the heap. */
final class Json {

    /** Longest string value; bounds what one token can cost. */
    static final int MAX_STRING = 4 << 20;

    static final JsonFactory FACTORY = JsonFactory.builder()
            // Names come from untrusted files: the JVM's table of interned strings is no place for them.
            .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
            // Otherwise a NUL behind the first brace makes it UTF-16.
            .disable(JsonFactory.Feature.CHARSET_DETECTION)
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(3).maxStringLength(MAX_STRING).maxNumberLength(20).build())
            .build();

    private Json() {
    }

    static JsonParser parse(MemorySegment text) throws IOException {
        return FACTORY.createParser(new Bytes(text.asByteBuffer()));
    }

    /** Index of the first byte that is not UTF-8, or -1. */
    static long firstMalformed(MemorySegment text) {
        CharsetDecoder utf8 = StandardCharsets.UTF_8.newDecoder();
        ByteBuffer in = text.asByteBuffer();
        CharBuffer out = CharBuffer.allocate(4096);
        CoderResult result;
        do {
            out.clear();
            result = utf8.decode(in, out, true);
        } while (result.isOverflow());
        return result.isError() ? in.position() : -1;
    }

    /** No half of a surrogate pair: what UTF-8 can say. */
    static boolean isWellFormed(String text) {
        return StandardCharsets.UTF_8.newEncoder().canEncode(text);
    }

    private static final class Bytes extends InputStream {
        private final ByteBuffer buffer;

        Bytes(ByteBuffer buffer) {
            this.buffer = buffer;
        }

        @Override
        public int read() {
            return buffer.hasRemaining() ? Byte.toUnsignedInt(buffer.get()) : -1;
        }

        @Override
        public int read(byte[] target, int from, int length) {
            if (!buffer.hasRemaining()) {
                return length == 0 ? 0 : -1;
            }
            int count = Math.min(length, buffer.remaining());
            buffer.get(target, from, count);
            return count;
        }
    }
}
