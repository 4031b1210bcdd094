package dev.longspan.checkpoint;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Bytes of a safetensors file as anybody may have written them. */
final class RawFile {

    private RawFile() {
    }

    static byte[] of(String header, int dataBytes) {
        return of(header.getBytes(StandardCharsets.UTF_8).length, header, dataBytes);
    }

    static byte[] of(long claimedLength, String header, int dataBytes) {
        return of(claimedLength, header.getBytes(StandardCharsets.UTF_8), dataBytes);
    }

    static byte[] of(long claimedLength, byte[] header, int dataBytes) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bytes.writeBytes(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(claimedLength).array());
        bytes.writeBytes(header);
        for (int i = 0; i < dataBytes; i++) {
            bytes.write(i);
        }
        return bytes.toByteArray();
    }

    /** One tensor's member of the header. */
    static String tensor(String name, String dtype, String shape, String offsets) {
        return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape
                + ",\"data_offsets\":" + offsets + "}";
    }
}
