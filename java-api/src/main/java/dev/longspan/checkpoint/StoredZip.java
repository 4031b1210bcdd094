package dev.longspan.checkpoint;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.zip.CRC32;

/**
 * The entries of a zip archive that stores them as they are, as torch.save writes it: no compression, no comment, the
 * directory at the end, zip64 where needed. Believes nothing: every entry must lie before the directory, overlap no other,
 * and be told the same by its own header. Format: PKWARE's APPNOTE 6.3.10.
 */
final class StoredZip {

    private static final int LOCAL = 0x04034b50;
    private static final int CENTRAL = 0x02014b50;
    private static final int END = 0x06054b50;
    private static final int END_64 = 0x06064b50;
    private static final int LOCATOR_64 = 0x07064b50;

    private static final int LOCAL_BYTES = 30;
    private static final int CENTRAL_BYTES = 46;
    private static final int END_BYTES = 22;
    private static final int END_64_BYTES = 56;
    private static final int LOCATOR_64_BYTES = 20;

    private static final int ZIP64_FIELD = 1;
    private static final long MAX_32 = 0xFFFF_FFFFL;
    private static final int MAX_16 = 0xFFFF;

    /** Sizes follow the data, and the name is UTF-8; anything else, such as encryption, is not for us. */
    private static final int KNOWN_FLAGS = 0x0808;
    private static final int SIZES_FOLLOW = 0x0008;

    private static final int MAX_NAME_BYTES = 512;
    private static final long PIECE_BYTES = 1L << 30;

    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Path file;
    private final MemorySegment bytes;
    private final Map<String, Entry> entries = new LinkedHashMap<>();

    private StoredZip(Path file, MemorySegment bytes) {
        this.file = file;
        this.bytes = bytes;
    }

    /** One entry: its data are {@code size} bytes from byte {@code at} of the file; {@code header} is where it starts. */
    record Entry(String name, long header, long at, long size, long crc) {
        long end() {
            return at + size;
        }
    }

    /** Reads the directory; the data are only located. */
    static StoredZip read(Path file, MemorySegment bytes) {
        StoredZip zip = new StoredZip(file, bytes);
        zip.readDirectory();
        return zip;
    }

    Optional<Entry> entry(String name) {
        return Optional.ofNullable(entries.get(name));
    }

    Collection<Entry> entries() {
        return entries.values();
    }

    /** Throws ModelFormatException for the first entry whose bytes are not those that were saved; a sum of 0 stands for none. */
    void verify() {
        for (Entry entry : entries.values()) {
            if (entry.crc() == 0) {
                continue; // so torch.serialization.set_crc32_options(False) has it
            }
            CRC32 crc = new CRC32();
            for (long at = 0; at < entry.size(); at += PIECE_BYTES) {
                crc.update(bytes.asSlice(entry.at() + at, Math.min(PIECE_BYTES, entry.size() - at)).asByteBuffer());
            }
            if (entry.crc() != crc.getValue()) {
                throw wrong(entry.at(), "checksum of entry \"" + entry.name() + "\" does not match: the file is damaged");
            }
        }
    }

    private void readDirectory() {
        long size = bytes.byteSize();
        long end = size - END_BYTES;
        if (end < 0 || bytes.get(INT, end) != END || u16(end + 20) != 0) {
            throw wrong(Math.max(0, end), "file is truncated or no torch file: a zip archive without comment must end with its"
                    + " directory");
        }
        if (u16(end + 4) != 0 || u16(end + 6) != 0 || u16(end + 8) != u16(end + 10)) {
            throw wrong(end, "archive must not span several files");
        }
        long count = u16(end + 10);
        long length = u32(end + 12);
        long start = u32(end + 16);
        long behind = end;
        if (end >= LOCATOR_64_BYTES && bytes.get(INT, end - LOCATOR_64_BYTES) == LOCATOR_64) {
            long at = bytes.get(LONG, end - LOCATOR_64_BYTES + 8);
            behind = end - LOCATOR_64_BYTES - END_64_BYTES;
            if (at != behind || behind < 0 || bytes.get(INT, at) != END_64 || bytes.get(LONG, at + 4) != END_64_BYTES - 12) {
                throw wrong(end - LOCATOR_64_BYTES, "zip64 end of the directory must stand before its locator");
            }
            count = agreed(count, MAX_16, bytes.get(LONG, at + 32), at + 32);
            length = agreed(length, MAX_32, bytes.get(LONG, at + 40), at + 40);
            start = agreed(start, MAX_32, bytes.get(LONG, at + 48), at + 48);
        }
        if (start < 0 || length < 0 || start > behind || length != behind - start) {
            throw wrong(end, "directory must lie before its end: directory=[" + start + ", +" + length + "], end=" + behind);
        }
        if (count < 0 || count > HeaderReader.MAX_TENSORS + 100 || count > length / CENTRAL_BYTES) {
            throw wrong(end, "directory must hold its entries, at most " + (HeaderReader.MAX_TENSORS + 100) + ": entries="
                    + count + ", directory=" + length + " bytes");
        }
        long at = start;
        for (long i = 0; i < count; i++) {
            at = readEntry(at, behind, start);
        }
        if (at != behind) {
            throw wrong(at, "directory must end with its last entry");
        }
        checkApart();
    }

    /** The wide value where the narrow one says to look there; both must agree otherwise. */
    private long agreed(long narrow, long marker, long wide, long at) {
        if (narrow != marker && narrow != wide) {
            throw wrong(at, "zip64 value must agree with the other: " + wide + ", " + narrow);
        }
        return wide;
    }

    private long readEntry(long at, long behind, long dataEnd) {
        if (behind - at < CENTRAL_BYTES || bytes.get(INT, at) != CENTRAL) {
            throw wrong(at, "directory entry expected");
        }
        int flags = u16(at + 8);
        int nameBytes = u16(at + 28);
        int extraBytes = u16(at + 30);
        long next = at + CENTRAL_BYTES + nameBytes + extraBytes + u16(at + 32);
        if (next > behind || nameBytes > MAX_NAME_BYTES) {
            throw wrong(at, "directory entry must fit the directory and its name " + MAX_NAME_BYTES + " bytes");
        }
        String name = name(at + CENTRAL_BYTES, nameBytes);
        if (u16(at + 10) != 0) {
            throw wrong(at, "entry \"" + name + "\" must not be compressed: torch.save stores entries as they are"
                    + " (a TorchScript archive, whose programs are compressed, is not read)");
        }
        if ((flags & ~KNOWN_FLAGS) != 0) {
            throw wrong(at, "entry \"" + name + "\" is encrypted or of an unknown kind: flags=0x" + Integer.toHexString(flags));
        }
        long[] wide = {u32(at + 24), u32(at + 20), u32(at + 42)};
        readZip64(at + CENTRAL_BYTES + nameBytes, extraBytes, wide);
        if (wide[0] != wide[1]) {
            throw wrong(at, "entry \"" + name + "\" must be as long stored as it is: stored=" + wide[1] + ", size=" + wide[0]);
        }
        Entry entry = located(name, flags, wide[2], wide[0], u32(at + 16), dataEnd);
        if (entries.put(name, entry) != null) {
            throw wrong(at, "duplicate entry \"" + name + "\"");
        }
        return next;
    }

    private void readZip64(long from, int extraBytes, long[] wide) {
        long at = from;
        long end = from + extraBytes;
        while (end - at >= 4) {
            int id = u16(at);
            long next = at + 4 + u16(at + 2);
            if (next > end) {
                throw wrong(at, "extra field must fit its entry");
            }
            if (id == ZIP64_FIELD) {
                long value = at + 4;
                for (int i = 0; i < wide.length; i++) {
                    if (wide[i] == MAX_32) {
                        if (next - value < 8) {
                            throw wrong(at, "zip64 field is too short");
                        }
                        wide[i] = bytes.get(LONG, value);
                        value += 8;
                    }
                }
                return;
            }
            at = next;
        }
    }

    private Entry located(String name, int flags, long header, long size, long crc, long dataEnd) {
        if (header < 0 || header > dataEnd - LOCAL_BYTES || bytes.get(INT, header) != LOCAL) {
            throw wrong(Math.clamp(header, 0, bytes.byteSize()), "entry \"" + name + "\" has no header there");
        }
        int nameBytes = u16(header + 26);
        long at = header + LOCAL_BYTES + nameBytes + u16(header + 28);
        if (at > dataEnd || size < 0 || size > dataEnd - at) {
            throw wrong(header, "entry \"" + name + "\" must lie before the directory: data=[" + at + ", +" + size
                    + "], directory=" + dataEnd);
        }
        if (nameBytes > MAX_NAME_BYTES || !name.equals(name(header + LOCAL_BYTES, nameBytes))
                || u16(header + 6) != flags || u16(header + 8) != 0) {
            throw wrong(header, "header of entry \"" + name + "\" must say what the directory says");
        }
        long stored = u32(header + 18);
        long told = u32(header + 22);
        boolean later = (flags & SIZES_FOLLOW) != 0 && stored == 0 && told == 0;
        if (!later && (told != size && told != MAX_32 || stored != size && stored != MAX_32)) {
            throw wrong(header, "sizes of entry \"" + name + "\" must be those of the directory: header=" + told
                    + ", directory=" + size);
        }
        return new Entry(name, header, at, size, crc);
    }

    /** Names of plain files of one folder tree; none leads anywhere else, though nothing is ever extracted. */
    private String name(long at, int length) {
        byte[] text = bytes.asSlice(at, length).toArray(ValueLayout.JAVA_BYTE);
        String name = new String(text, StandardCharsets.UTF_8);
        boolean plain = !name.isEmpty() && !name.startsWith("/") && !name.endsWith("/")
                && name.chars().noneMatch(c -> c == '\\' || c == ':' || c == 0xFFFD || Character.isISOControl(c))
                && List.of(name.split("/", -1)).stream().noneMatch(part -> part.isEmpty() || part.equals(".") || part.equals(".."));
        if (!plain) {
            throw wrong(at, "name of an entry must be a plain path: \"" + ModelFormatException.printable(name) + "\"");
        }
        return name;
    }

    private void checkApart() {
        List<Entry> ordered = new ArrayList<>(entries.values());
        ordered.sort(Comparator.comparingLong(Entry::header));
        long free = 0;
        for (Entry entry : ordered) {
            if (entry.header() < free) {
                throw wrong(entry.header(), "entry \"" + entry.name() + "\" overlaps the one before it");
            }
            free = entry.end();
        }
    }

    private int u16(long at) {
        return Short.toUnsignedInt(bytes.get(SHORT, at));
    }

    private long u32(long at) {
        return Integer.toUnsignedLong(bytes.get(INT, at));
    }

    private ModelFormatException wrong(long at, String problem) {
        return new ModelFormatException(file, at, null, problem);
    }
}
