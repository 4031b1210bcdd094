package dev.longspan.checkpoint;

import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads the header of one safetensors file and believes nothing in it: every tensor must lie within the data, be as
 * long as its shape says, and together they must cover the data without overlap or hole.
 */
final class HeaderReader {

    /** The format's own limit. */
    static final long MAX_BYTES = 100_000_000;

    /** Bounds the heap a header of {@link #MAX_BYTES} can cost; the largest published models have under 100,000. */
    static final int MAX_TENSORS = 200_000;

    private static final int MAX_METADATA_CHARS = 32 << 20;
    private static final int MAX_RANK = 32;
    private static final ValueLayout.OfLong LENGTH = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Dtypes of the format that Longspan has no use for. */
    private static final Set<String> OFFICIAL = Set.of("I8", "I16", "U16", "U32", "U64", "F8_E5M2", "F8_E4M3",
            "F8_E8M0", "F8_E5M2FNUZ", "F8_E4M3FNUZ", "F4", "F6_E2M3", "F6_E3M2", "C64");

    private final Path file;
    private final JsonParser json;
    private final long dataBytes;
    private final Set<String> names = new HashSet<>();
    private final List<TensorEntry> entries = new ArrayList<>();
    private final Map<String, String> metadata = new LinkedHashMap<>();
    private @Nullable String tensor;

    private HeaderReader(Path file, JsonParser json, long dataBytes) {
        this.file = file;
        this.json = json;
        this.dataBytes = dataBytes;
    }

    static SafetensorsHeader read(Path file, MemorySegment bytes) {
        long size = bytes.byteSize();
        if (size < 8) {
            throw new ModelFormatException(file, 0, null, "file is truncated: a safetensors file starts with 8 bytes of"
                    + " length, this one has " + size + " bytes");
        }
        long length = bytes.get(LENGTH, 0);
        if (length < 0 || length > MAX_BYTES) {
            throw new ModelFormatException(file, 0, null, "header must not exceed " + MAX_BYTES + " bytes: header="
                    + Long.toUnsignedString(length));
        }
        if (length > size - 8) {
            throw new ModelFormatException(file, 0, null, "file is truncated: header=" + length + " bytes, file=" + size
                    + " bytes");
        }
        if (length == 0 || bytes.get(ValueLayout.JAVA_BYTE, 8) != '{') {
            throw new ModelFormatException(file, 8, null, "header must start with '{'");
        }
        MemorySegment text = bytes.asSlice(8, length);
        long malformed = Json.firstMalformed(text);
        if (malformed >= 0) {
            throw new ModelFormatException(file, 8 + malformed, null, "header must be UTF-8");
        }
        try (JsonParser json = Json.parse(text)) {
            return new HeaderReader(file, json, size - 8 - length).header(8 + length);
        } catch (JsonProcessingException e) {
            long at = e.getLocation() == null ? 0 : Math.max(0, e.getLocation().getByteOffset());
            throw new ModelFormatException(file, 8 + at, null, (e instanceof JsonParseException ? "header is not JSON: "
                    : "header is refused: ") + e.getOriginalMessage());
        } catch (IOException e) {
            throw new CheckpointIOException("read", file, e);
        }
    }

    private SafetensorsHeader header(long dataStart) throws IOException {
        expect(json.nextToken(), JsonToken.START_OBJECT, "header");
        for (String name = json.nextFieldName(); name != null; name = json.nextFieldName()) {
            if (!names.add(name)) {
                throw wrong("duplicate name \"" + ModelFormatException.printable(name) + "\"");
            }
            if (name.equals(SafetensorsHeader.METADATA)) {
                readMetadata();
            } else {
                tensor = name;
                readTensor(name);
                tensor = null;
            }
        }
        expect(json.currentToken(), JsonToken.END_OBJECT, "header");
        if (json.nextToken() != null) {
            throw wrong("header must end with its object");
        }
        entries.sort(TensorEntry.BY_PLACE);
        checkCoverage(dataStart);
        return new SafetensorsHeader(dataStart, entries, metadata);
    }

    private void readMetadata() throws IOException {
        expect(json.nextToken(), JsonToken.START_OBJECT, SafetensorsHeader.METADATA);
        long chars = 0;
        for (String key = json.nextFieldName(); key != null; key = json.nextFieldName()) {
            expect(json.nextToken(), JsonToken.VALUE_STRING,
                    "metadata \"" + ModelFormatException.printable(key) + "\"");
            String value = json.getText();
            chars += key.length() + value.length();
            if (metadata.put(key, value) != null) {
                throw wrong("duplicate metadata \"" + ModelFormatException.printable(key) + "\"");
            }
            if (chars > MAX_METADATA_CHARS) {
                throw wrong("metadata must not exceed " + MAX_METADATA_CHARS + " characters");
            }
        }
    }

    private void readTensor(String name) throws IOException {
        if (!Json.isWellFormed(name)) {
            throw wrong("name must be Unicode text");
        }
        if (entries.size() == MAX_TENSORS) {
            throw wrong("a file must not have more than " + MAX_TENSORS + " tensors");
        }
        expect(json.nextToken(), JsonToken.START_OBJECT, "tensor");
        DType dtype = null;
        long[] shape = null;
        long[] offsets = null;
        for (String field = json.nextFieldName(); field != null; field = json.nextFieldName()) {
            boolean again = switch (field) {
                case "dtype" -> dtype != null;
                case "shape" -> shape != null;
                case "data_offsets" -> offsets != null;
                default -> throw wrong("unknown field \"" + ModelFormatException.printable(field) + "\"");
            };
            if (again) {
                throw wrong("duplicate field \"" + field + "\"");
            }
            switch (field) {
                case "dtype" -> dtype = readDType();
                case "shape" -> shape = readNumbers("shape", MAX_RANK);
                default -> offsets = readNumbers("data_offsets", 2);
            }
        }
        if (dtype == null || shape == null || offsets == null || offsets.length != 2) {
            throw wrong("a tensor must have dtype, shape and two data_offsets");
        }
        entries.add(checked(new TensorEntry(name, dtype, shape, offsets[0], offsets[1])));
    }

    private TensorEntry checked(TensorEntry entry) {
        if (entry.begin() > entry.end() || entry.end() > dataBytes) {
            throw wrong("data_offsets must lie within the data: data_offsets=[" + entry.begin() + ", " + entry.end()
                    + "], data=" + dataBytes + " bytes");
        }
        long needed;
        try {
            needed = Tensor.byteSize(entry.dtype(), entry.shape());
        } catch (IllegalArgumentException e) {
            throw wrong("shape is too large to address: " + entry.type());
        }
        if (needed != entry.bytes()) {
            throw wrong(entry.type() + " needs " + needed + " bytes but its data range holds " + entry.bytes());
        }
        return entry;
    }

    private DType readDType() throws IOException {
        expect(json.nextToken(), JsonToken.VALUE_STRING, "dtype");
        String name = json.getText();
        for (DType dtype : DType.values()) {
            if (dtype.name().equals(name)) {
                return dtype;
            }
        }
        throw wrong((OFFICIAL.contains(name) ? "dtype is not supported: dtype=" : "unknown dtype: dtype=")
                + ModelFormatException.printable(name) + ", expected one of " + Arrays.toString(DType.values()));
    }

    private long[] readNumbers(String field, int most) throws IOException {
        expect(json.nextToken(), JsonToken.START_ARRAY, field);
        long[] numbers = new long[most];
        int count = 0;
        while (json.nextToken() != JsonToken.END_ARRAY) {
            if (count == most) {
                throw wrong(field + " must not have more than " + most + " numbers");
            }
            // A minus sign before zero is no integer of this format either.
            if (json.currentToken() != JsonToken.VALUE_NUMBER_INT || json.getText().startsWith("-")) {
                throw wrong(field + " must be whole numbers from 0: " + ModelFormatException.printable(json.getText()));
            }
            numbers[count++] = json.getLongValue();
        }
        return Arrays.copyOf(numbers, count);
    }

    private void checkCoverage(long dataStart) {
        long covered = 0;
        for (TensorEntry entry : entries) {
            if (entry.begin() != covered) {
                throw new ModelFormatException(file, dataStart + entry.begin(), entry.name(),
                        (entry.begin() < covered ? "overlaps the tensor before it" : "leaves a hole before it")
                        + ": it starts at data byte " + entry.begin() + ", expected " + covered);
            }
            covered = entry.end();
        }
        if (covered != dataBytes) {
            throw new ModelFormatException(file, dataStart + covered, null, "tensors must cover the data: covered="
                    + covered + " bytes, data=" + dataBytes + " bytes");
        }
    }

    private void expect(@Nullable JsonToken token, JsonToken expected, String what) {
        if (token != expected) {
            throw wrong(what + " must be " + switch (expected) {
                case START_OBJECT, END_OBJECT -> "an object";
                case START_ARRAY -> "an array";
                default -> "a string";
            });
        }
    }

    private ModelFormatException wrong(String problem) {
        return new ModelFormatException(file, 8 + Math.max(0, json.currentLocation().getByteOffset()), tensor, problem);
    }
}
