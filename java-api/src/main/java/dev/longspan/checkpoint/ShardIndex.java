package dev.longspan.checkpoint;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;

/** {@code model.safetensors.index.json}: which file of the same folder holds each tensor. */
record ShardIndex(Path file, Map<String, String> fileOfTensor) {

    static final String NAME = "model.safetensors.index.json";

    private static final int MAX_SHARDS = 10_000;

    /** File names in the order in which the index first names them. */
    Set<String> files() {
        return new LinkedHashSet<>(fileOfTensor.values());
    }

    static ShardIndex read(Path file) {
        try {
            if (Files.size(file) > HeaderReader.MAX_BYTES) {
                throw new ModelFormatException(file, 0, null,
                        "index must not exceed " + HeaderReader.MAX_BYTES + " bytes");
            }
            MemorySegment text = MemorySegment.ofArray(Files.readAllBytes(file));
            long malformed = Json.firstMalformed(text);
            if (malformed >= 0) {
                throw new ModelFormatException(file, malformed, null, "index must be UTF-8");
            }
            try (JsonParser json = Json.parse(text)) {
                return new ShardIndex(file, read(file, json));
            }
        } catch (JsonProcessingException e) {
            throw new ModelFormatException(file, e.getLocation() == null ? 0 : e.getLocation().getByteOffset(), null,
                    "index is not JSON: " + e.getOriginalMessage());
        } catch (IOException e) {
            throw new CheckpointIOException("read", file, e);
        }
    }

    private static Map<String, String> read(Path file, JsonParser json) throws IOException {
        Map<String, String> shards = new LinkedHashMap<>();
        if (json.nextToken() != JsonToken.START_OBJECT) {
            throw wrong(file, json, "index must be an object");
        }
        boolean found = false;
        for (String field = json.nextFieldName(); field != null; field = json.nextFieldName()) {
            JsonToken value = json.nextToken();
            if (!field.equals("weight_map")) {
                json.skipChildren();
            } else if (found || value != JsonToken.START_OBJECT) {
                throw wrong(file, json, "index must have one weight_map, an object");
            } else {
                found = true;
                readMap(file, json, shards);
            }
        }
        if (!found || json.nextToken() != null) {
            throw wrong(file, json, "index must be one object with a weight_map");
        }
        return shards;
    }

    private static void readMap(Path file, JsonParser json, Map<String, String> shards) throws IOException {
        Map<String, String> known = new LinkedHashMap<>();
        for (String tensor = json.nextFieldName(); tensor != null; tensor = json.nextFieldName()) {
            if (json.nextToken() != JsonToken.VALUE_STRING || !isPlainName(json.getText())) {
                throw new ModelFormatException(file, json.currentLocation().getByteOffset(), tensor,
                        "shard must be a plain file name of this folder: \""
                                + ModelFormatException.printable(json.getText()) + "\"");
            }
            String shard = known.computeIfAbsent(json.getText(), name -> name);
            if (shards.put(tensor, shard) != null) {
                throw new ModelFormatException(file, json.currentLocation().getByteOffset(), tensor, "named twice");
            }
            if (known.size() > MAX_SHARDS || shards.size() > HeaderReader.MAX_TENSORS) {
                throw wrong(file, json, "index must not name more than " + MAX_SHARDS + " files and "
                        + HeaderReader.MAX_TENSORS + " tensors");
            }
        }
    }

    /** Nothing that could lead out of the folder, on any operating system. */
    private static boolean isPlainName(String name) {
        return name.endsWith(".safetensors") && !name.contains("..")
                && name.chars().noneMatch(c -> c == '/' || c == '\\' || c == ':' || Character.isISOControl(c))
                && Json.isWellFormed(name);
    }

    private static ModelFormatException wrong(Path file, JsonParser json, String problem) {
        return new ModelFormatException(file, Math.max(0, json.currentLocation().getByteOffset()), null, problem);
    }
}
