package dev.longspan.json;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * An object whose keys are read by type, and that knows which keys nobody has asked for. Values are Boolean, Long, Double,
 * String, List and Map. A key that is missing where no default is given, or of another type, throws
 * IllegalArgumentException with the place.
 */
public final class JsonObject {

    private final String where;
    private final Map<String, @Nullable Object> values;
    private final Set<String> unread;

    private JsonObject(String where, Map<String, @Nullable Object> values) {
        this.where = where;
        this.values = values;
        this.unread = new LinkedHashSet<>(values.keySet());
    }

    /** The given values; {@code where} names them in errors. */
    public static JsonObject of(String where, Map<String, ? extends @Nullable Object> values) {
        return new JsonObject(where, new LinkedHashMap<>(values));
    }

    /** The object that a text holds. */
    public static JsonObject parse(String where, String text) {
        try {
            return new JsonObject(where, Json.object(text));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(where + ": " + e.getMessage(), e);
        }
    }

    /** The object that a file holds. */
    public static JsonObject read(Path file) throws IOException {
        return parse(file.toString(), Files.readString(file));
    }

    /** All values by key, as they are. */
    public Map<String, @Nullable Object> values() {
        return Collections.unmodifiableMap(values);
    }

    public Set<String> keys() {
        return values.keySet();
    }

    public boolean has(String key) {
        return values.get(key) != null;
    }

    public String text(String key) {
        return typed(key, String.class, "a string");
    }

    public String text(String key, String otherwise) {
        return has(key) ? text(key) : absent(key, otherwise);
    }

    /** Throws IllegalArgumentException if the key has another value; it may be absent. */
    public void expect(String key, String value) {
        if (!text(key, value).equals(value)) {
            throw new IllegalArgumentException(where + "." + key + " must be " + value + ": " + key + "=" + text(key));
        }
    }

    /** How a file names a constant: in lower case. */
    public static String nameOf(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT);
    }

    /** The constant of that name; throws IllegalArgumentException listing all names. */
    public <E extends Enum<E>> E choice(String key, Class<E> type) {
        String name = text(key);
        E[] all = type.getEnumConstants();
        return Arrays.stream(all).filter(constant -> nameOf(constant).equals(name)).findFirst().orElseThrow(() ->
                new IllegalArgumentException(key + " must be one of "
                        + Arrays.stream(all).map(JsonObject::nameOf).collect(Collectors.joining(", ")) + ": " + key + "=" + name));
    }

    public <E extends Enum<E>> E choice(String key, E otherwise) {
        return has(key) ? choice(key, otherwise.getDeclaringClass()) : absent(key, otherwise);
    }

    public boolean flag(String key, boolean otherwise) {
        return has(key) ? typed(key, Boolean.class, "true or false") : absent(key, otherwise);
    }

    public long integer(String key) {
        return typed(key, Long.class, "an integer");
    }

    public long integer(String key, long otherwise) {
        return has(key) ? integer(key) : absent(key, otherwise);
    }

    public double number(String key) {
        return typed(key, Number.class, "a number").doubleValue();
    }

    public double number(String key, double otherwise) {
        return has(key) ? number(key) : absent(key, otherwise);
    }

    public long[] integers(String key) {
        List<?> list = typed(key, List.class, "a list of integers");
        return list.stream().mapToLong(item -> {
            if (!(item instanceof Long value)) {
                throw mistyped(key, "a list of integers", list);
            }
            return value;
        }).toArray();
    }

    public double[] numbers(String key) {
        List<?> list = typed(key, List.class, "a list of numbers");
        return list.stream().mapToDouble(item -> {
            if (!(item instanceof Number value)) {
                throw mistyped(key, "a list of numbers", list);
            }
            return value.doubleValue();
        }).toArray();
    }

    @SuppressWarnings("unchecked") // objects are only ever made by this class, with strings as keys
    public JsonObject object(String key) {
        return new JsonObject(where + "." + key, (Map<String, @Nullable Object>) typed(key, Map.class, "an object"));
    }

    /** Marks keys as read that carry no meaning for the reader. */
    public JsonObject ignore(Set<String> keys) {
        unread.removeAll(keys);
        return this;
    }

    /** Throws IllegalArgumentException if there are keys that nobody has asked for. */
    public void rejectUnread() {
        if (!unread.isEmpty()) {
            throw new IllegalArgumentException(where + " has unknown keys: "
                    + unread.stream().sorted().collect(Collectors.joining(", ")));
        }
    }

    private <T> T absent(String key, T otherwise) {
        unread.remove(key); // a null stands for the default
        return otherwise;
    }

    private <T> T typed(String key, Class<T> type, String expected) {
        Object value = values.get(key);
        unread.remove(key);
        if (value == null) {
            throw new IllegalArgumentException(where + " must have " + key);
        }
        if (!type.isInstance(value)) {
            throw mistyped(key, expected, value);
        }
        return type.cast(value);
    }

    private IllegalArgumentException mistyped(String key, String expected, Object value) {
        return new IllegalArgumentException(where + "." + key + " must be " + expected + ": " + key + "=" + value);
    }
}
