package dev.longspan.nn;

import dev.longspan.tensor.Tensor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A record of parameters (Tensor), layers and lists of layers; other components are settings. Immutable and shareable. */
public interface Layer {

    /** Parameters by path, such as {@code layers.0.attention.query.weight}, in the order of the record's components. */
    default Map<String, Tensor> parameters() {
        Map<String, Tensor> found = new LinkedHashMap<>();
        collect("", this, found);
        return found;
    }

    /** The distinct tensors among the parameters' values: a tied weight counts once. */
    static Collection<Tensor> distinct(Map<String, Tensor> parameters) {
        return List.copyOf(new LinkedHashSet<>(parameters.values())); // tensors are equal only to themselves
    }

    private static void collect(String path, @Nullable Object value, Map<String, Tensor> found) {
        switch (value) {
            case Tensor parameter -> found.put(path, parameter);
            case Layer layer -> {
                for (RecordComponent component : components(layer)) {
                    collect(path.isEmpty() ? component.getName() : path + "." + component.getName(),
                            read(layer, component), found);
                }
            }
            case List<?> list when !list.isEmpty() && list.getFirst() instanceof Layer -> {
                for (int i = 0; i < list.size(); i++) {
                    collect(path + "." + i, list.get(i), found);
                }
            }
            case null, default -> { }
        }
    }

    private static RecordComponent[] components(Layer layer) {
        RecordComponent[] components = layer.getClass().getRecordComponents();
        if (components == null) {
            throw new IllegalArgumentException("a layer must be a record: " + layer.getClass().getName());
        }
        return components;
    }

    private static @Nullable Object read(Layer layer, RecordComponent component) {
        try {
            return component.getAccessor().invoke(layer);
        } catch (IllegalAccessException e) {
            throw new IllegalArgumentException("a layer must be a public record of an exported package: "
                    + layer.getClass().getName(), e);
        } catch (InvocationTargetException e) {
            throw new IllegalStateException(e.getCause());
        }
    }
}
