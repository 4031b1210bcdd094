package dev.longspan.checkpoint;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** What stands before the data: tensors in the order of their data, and string metadata. */
record SafetensorsHeader(long dataStart, List<TensorEntry> entries, Map<String, String> metadata) {

    static final String METADATA = "__metadata__";

    /**
     * Data starts at a multiple of it, so that every tensor of ours is aligned for vectors as far as its place allows.
     */
    private static final int ALIGNMENT = 64;

    /** The length and the JSON text of a header, padded with spaces. */
    static ByteBuffer encode(List<TensorEntry> entries, Map<String, String> metadata) {
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        try (JsonGenerator json = Json.FACTORY.createGenerator(text)) {
            json.writeStartObject();
            if (!metadata.isEmpty()) {
                json.writeObjectFieldStart(METADATA);
                for (Map.Entry<String, String> pair : metadata.entrySet()) {
                    json.writeStringField(pair.getKey(), pair.getValue());
                }
                json.writeEndObject();
            }
            for (TensorEntry entry : entries) {
                json.writeObjectFieldStart(entry.name());
                json.writeStringField("dtype", entry.dtype().name());
                json.writeFieldName("shape");
                json.writeArray(entry.shape(), 0, entry.shape().length);
                json.writeFieldName("data_offsets");
                json.writeArray(new long[] {entry.begin(), entry.end()}, 0, 2);
                json.writeEndObject();
            }
            json.writeEndObject();
        } catch (IOException e) {
            throw new IllegalStateException("a byte array refused JSON", e);
        }
        int padded = Math.ceilDiv(8 + text.size(), ALIGNMENT) * ALIGNMENT;
        if (padded - 8 > HeaderReader.MAX_BYTES) {
            throw new IllegalArgumentException("header must not exceed " + HeaderReader.MAX_BYTES + " bytes: header="
                    + (padded - 8) + ", tensors=" + entries.size());
        }
        byte[] bytes = new byte[padded];
        Arrays.fill(bytes, (byte) ' ');
        ByteBuffer header = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        header.putLong(padded - 8).put(text.toByteArray()).rewind();
        return header;
    }
}
