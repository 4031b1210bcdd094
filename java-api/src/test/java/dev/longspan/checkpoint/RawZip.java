package dev.longspan.checkpoint;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.CRC32;

/** A zip archive as anybody may have written it, by default as torch.save does: stored, data at multiples of 64. */
final class RawZip {

    private static final int SIZES_FOLLOW = 8;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream directory = new ByteArrayOutputStream();
    private int count;
    private long elsewhere;
    private int headBytes;
    private int align = 64;
    private int method;
    private int flags;
    private boolean zip64;
    private boolean sums = true;

    RawZip align(int align) {
        this.align = align;
        return this;
    }

    RawZip method(int method) {
        this.method = method;
        return this;
    }

    RawZip flags(int flags) {
        this.flags = flags;
        return this;
    }

    /** All sizes and places in zip64 fields. */
    RawZip zip64() {
        zip64 = true;
        return this;
    }

    RawZip withoutSums() {
        sums = false;
        return this;
    }

    RawZip add(String name, String text) {
        return add(name, text.getBytes(StandardCharsets.UTF_8));
    }

    RawZip add(String name, byte[] data) {
        long header = out.size() + elsewhere;
        write(header, name, data.length, crc(data), data);
        return claim(name, header, data.length, data.length, crc(data));
    }

    /** A directory entry of any claim about an entry that stands at {@code header} already. */
    RawZip claim(String name, long header, long size, long stored, long crc) {
        byte[] text = name.getBytes(StandardCharsets.UTF_8);
        byte[] record = new byte[46 + text.length + (zip64 ? 28 : 0)];
        ByteBuffer entry = ByteBuffer.wrap(record).order(ByteOrder.LITTLE_ENDIAN);
        entry.putInt(0x02014b50).putShort((short) 0).putShort((short) 0).putShort((short) (flags | SIZES_FOLLOW))
                .putShort((short) method).putInt(0).putInt((int) crc)
                .putInt(zip64 ? -1 : (int) stored).putInt(zip64 ? -1 : (int) size)
                .putShort((short) text.length).putShort((short) (zip64 ? 28 : 0)).putShort((short) 0)
                .putShort((short) 0).putShort((short) 0).putInt(0).putInt(zip64 ? -1 : (int) header).put(text);
        if (zip64) {
            entry.putShort((short) 1).putShort((short) 24).putLong(size).putLong(stored).putLong(header);
        }
        directory.writeBytes(record);
        count++;
        return this;
    }

    /** The header of an entry whose {@code size} bytes somebody else writes behind what {@link #head} returns. */
    RawZip addElsewhere(String name, long size) {
        sums = false;
        int header = out.size();
        write(header, name, 0, 0, new byte[0]);
        claim(name, header, size, size, 0);
        elsewhere = size;
        headBytes = out.size() - 16;
        return this;
    }

    /** What stands before the data of {@link #addElsewhere}. */
    byte[] head() {
        return Arrays.copyOf(out.toByteArray(), headBytes);
    }

    byte[] bytes() {
        long start = out.size() + elsewhere;
        out.writeBytes(directory.toByteArray());
        long length = out.size() + elsewhere - start;
        if (zip64) {
            long at = out.size() + elsewhere;
            out.writeBytes(little(56).putInt(0x06064b50).putLong(44).putShort((short) 45).putShort((short) 45).putInt(0)
                    .putInt(0).putLong(count).putLong(count).putLong(length).putLong(start).array());
            out.writeBytes(little(20).putInt(0x07064b50).putInt(0).putLong(at).putInt(1).array());
        }
        short shown = (short) (zip64 ? -1 : count);
        out.writeBytes(little(22).putInt(0x06054b50).putInt(0).putShort(shown).putShort(shown)
                .putInt(zip64 ? -1 : (int) length).putInt(zip64 ? -1 : (int) start).putShort((short) 0).array());
        return out.toByteArray();
    }

    private void write(long header, String name, int size, long crc, byte[] data) {
        byte[] text = name.getBytes(StandardCharsets.UTF_8);
        long unpadded = header + 30 + text.length + 4;
        int pad = Math.floorMod(-unpadded, align);
        out.writeBytes(little(30).putInt(0x04034b50).putShort((short) 0).putShort((short) (flags | SIZES_FOLLOW))
                .putShort((short) method).putInt(0).putInt(0).putInt(0).putInt(0)
                .putShort((short) text.length).putShort((short) (4 + pad)).array());
        out.writeBytes(text);
        out.writeBytes(little(4).putShort((short) 0x4246).putShort((short) pad).array());
        out.writeBytes(new byte[pad]);
        out.writeBytes(data);
        out.writeBytes(little(16).putInt(0x08074b50).putInt((int) crc).putInt(size).putInt(size).array());
    }

    private long crc(byte[] data) {
        CRC32 crc = new CRC32();
        crc.update(data);
        return sums ? crc.getValue() : 0;
    }

    private static ByteBuffer little(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    }
}
