package dev.longspan.checkpoint;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.zip.CRC32C;

/**
 * CRC32C of the metadata and of every tensor (name, dtype, shape, bytes), kept under {@value #KEY} in the metadata:
 * eight hexadecimal digits each, the metadata's first, then the tensors' in the order of their data. The format itself
 * cannot tell a flipped bit.
 */
final class Checksums {

    static final String KEY = "longspan.crc32c";

    private static final int DIGITS = 8;
    private static final long PIECE_BYTES = 1L << 30;

    private Checksums() {
    }

    /** The value of {@link #KEY} for these tensors, whose own digits a function gives. */
    static String of(Map<String, String> metadata, List<TensorEntry> entries, Function<TensorEntry, String> sum) {
        StringBuilder sums = new StringBuilder(hex(metadata));
        entries.forEach(entry -> sums.append(sum.apply(entry)));
        return sums.toString();
    }

    /** Throws ModelFormatException for the first tensor whose bytes are not those that were saved. */
    static void verify(Path file, SafetensorsHeader header, MemorySegment bytes) {
        String sums = header.metadata().get(KEY);
        if (sums == null) {
            return;
        }
        if (sums.length() != (header.entries().size() + 1) * DIGITS) {
            throw new ModelFormatException(file, 8, null, "checksums do not belong to these tensors: "
                    + sums.length() / DIGITS + " sums, " + header.entries().size() + " tensors");
        }
        if (!sums.startsWith(hex(header.metadata()))) {
            throw new ModelFormatException(file, 8, null,
                    "checksum of the metadata does not match: the file is damaged");
        }
        int at = DIGITS;
        for (TensorEntry entry : header.entries()) {
            long start = header.dataStart() + entry.begin();
            if (!sums.startsWith(of(entry, bytes.asSlice(start, entry.bytes())), at)) {
                throw new ModelFormatException(file, start, entry.name(),
                        "checksum does not match: the file is damaged");
            }
            at += DIGITS;
        }
    }

    private static String hex(Map<String, String> metadata) {
        CRC32C crc = new CRC32C();
        new TreeMap<>(metadata).forEach((key, value) -> {
            if (!key.equals(KEY)) {
                update(crc, key);
                update(crc, value);
            }
        });
        return hex(crc);
    }

    /** The eight digits of one tensor. */
    static String of(TensorEntry entry, MemorySegment data) {
        CRC32C crc = new CRC32C();
        update(crc, entry.name());
        update(crc, entry.type());
        for (long at = 0; at < data.byteSize(); at += PIECE_BYTES) {
            crc.update(data.asSlice(at, Math.min(PIECE_BYTES, data.byteSize() - at)).asByteBuffer());
        }
        return hex(crc);
    }

    /** Length first, so that text cannot move from one field to its neighbour. */
    private static void update(CRC32C crc, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        crc.update(ByteBuffer.allocate(4).putInt(bytes.length).flip());
        crc.update(bytes);
    }

    private static String hex(CRC32C crc) {
        return HexFormat.of().toHexDigits((int) crc.getValue());
    }
}
