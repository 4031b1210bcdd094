package dev.longspan.model;

import dev.longspan.checkpoint.ModelFormatException;
import dev.longspan.json.Json;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a config.json says: an architecture and its settings, checked.
 *
 * @param settings as in the file, the architecture's name left out
 */
public record ModelConfig(Architecture architecture, Map<String, @Nullable Object> settings, Blueprint blueprint) {

    /** Checks settings; throws IllegalArgumentException naming what is wrong. */
    public static ModelConfig of(Architecture architecture, Map<String, @Nullable Object> settings) {
        Map<String, @Nullable Object> read = Json.object(Json.line(settings)); // numbers as a file would have them
        return new ModelConfig(architecture, read, architecture.read(read));
    }

    /** Reads and checks a file; throws ModelFormatException where it is damaged or wrong. */
    public static ModelConfig read(Path file, Architectures architectures) throws IOException {
        Map<String, @Nullable Object> settings = readJson(file);
        try {
            if (!(settings.remove(Architecture.KEY) instanceof String name)) {
                throw new IllegalArgumentException("must name its " + Architecture.KEY);
            }
            return of(architectures.named(name), settings);
        } catch (IllegalArgumentException | ArithmeticException e) {
            throw wrong(file, e);
        }
    }

    /** What config.json holds. */
    public Map<String, @Nullable Object> json() {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put(Architecture.KEY, architecture.name());
        json.putAll(settings);
        return json;
    }

    /** The object in a JSON file; throws ModelFormatException where it is damaged. */
    public static Map<String, @Nullable Object> readJson(Path file) throws IOException {
        try {
            return Json.object(Files.readString(file));
        } catch (CharacterCodingException e) {
            throw new ModelFormatException(file, ModelFormatException.NO_OFFSET, null, "must be UTF-8");
        } catch (IllegalArgumentException e) {
            throw wrong(file, e);
        }
    }

    private static ModelFormatException wrong(Path file, RuntimeException cause) {
        return new ModelFormatException(file, ModelFormatException.NO_OFFSET, null, String.valueOf(cause.getMessage()));
    }
}
