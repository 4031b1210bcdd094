package dev.longspan.report;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Values by path, such as {@code sweep.rows.3.tokens}: fields by name, list elements by number. */
record Figures(Map<String, @Nullable Object> root) {

    /** The value at a path, or null where there is none; like JSON, without NaN. */
    @Nullable Object find(String path) {
        Object at = root;
        for (String name : path.split("\\.", -1)) {
            at = switch (at) {
                case Map<?, ?> map -> map.get(name);
                case List<?> list when Integer.parseInt(name) < list.size() -> list.get(Integer.parseInt(name));
                case null, default -> null;
            };
        }
        return at instanceof Double number && !Double.isFinite(number) ? null : at;
    }

    /** How many elements the list at a path has. */
    int count(String path) {
        return find(path) instanceof List<?> list ? list.size() : 0;
    }
}
