package dev.longspan.verify;

import dev.longspan.json.JsonObject;
import dev.longspan.nn.Parameters;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import dev.longspan.transformer.ForeignLayout;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/** One file of goldens: a configuration, inputs, weights and what a reference made of them. Knows what nobody asked for. */
public final class GoldenCase {

    /** Where a case came from and how well the reference knows it: without effect on the result. */
    private static final Set<String> NOTES = Set.of("kind", "notes", "seed", "checks", "dtype", "init", "params",
            "param_order");
    private static final List<String> MEASURED = List.of("max_abs_diff_", "oracle_");

    /** Sizes that the tensors have already: checked, not used. */
    private static final Set<String> SIZES = Set.of("B", "N", "L", "H", "D", "E");

    private final String name;
    private final Map<String, @Nullable Object> config;
    private final Map<String, GoldenTensor> tensors;
    private final Map<String, GoldenTensor> elsewhere;
    private final Set<String> read = new HashSet<>();

    GoldenCase(String name, Map<String, @Nullable Object> config, Map<String, GoldenTensor> tensors,
            Map<String, GoldenTensor> elsewhere) {
        this.name = name;
        this.config = config;
        this.tensors = tensors;
        this.elsewhere = elsewhere;
    }

    public String name() {
        return name;
    }

    /** The settings: the configuration without notes and sizes. Every key of it must be understood. */
    Map<String, @Nullable Object> settings() {
        Map<String, @Nullable Object> settings = new LinkedHashMap<>(config);
        settings.keySet().removeIf(key -> NOTES.contains(key) || SIZES.contains(key)
                || MEASURED.stream().anyMatch(key::startsWith));
        return settings;
    }

    JsonObject json() {
        return JsonObject.of("config", settings());
    }

    /** Throws IllegalArgumentException where the configuration states another size. */
    void checkSize(String key, long actual) {
        if (config.get(key) != null && !Long.valueOf(actual).equals(config.get(key))) {
            throw new IllegalArgumentException("config." + key + " must be the tensors': " + key + "=" + config.get(key)
                    + ", tensors=" + actual);
        }
    }

    /** The whole sequence and, where the configuration has {@code chunks}, the same in these. */
    List<Parts> partitions() {
        JsonObject json = JsonObject.of("config", config);
        return json.has("chunks") ? List.of(Parts.WHOLE, parts(json, "chunks")) : List.of(Parts.WHOLE);
    }

    /** The parts in which the reference has streamed the sequence, where it says so. */
    List<Parts> streamed() {
        JsonObject json = JsonObject.of("config", config);
        JsonObject checks = json.has("checks") ? json.object("checks") : json;
        return checks.has("stream_mixed_parts") ? List.of(parts(checks, "stream_mixed_parts")) : List.of();
    }

    private static Parts parts(JsonObject json, String key) {
        return new Parts(LongStream.of(json.integers(key)).boxed().toList());
    }

    /** A size that only the configuration states. */
    int size(String key) {
        if (!(config.get(key) instanceof Long value)) {
            throw new IllegalArgumentException("config." + key + " must be an integer: " + key + "=" + config.get(key));
        }
        return Math.toIntExact(value);
    }

    /** A tied model may come with the second name of its table; it must hold the same values. */
    void checkTied(String table, String second, DType dtype, TensorArena arena) {
        if (has(second) && !Arrays.equals(copy(second, GoldenTensor.Role.WEIGHT, dtype, arena).toDoubles(),
                copy(table, GoldenTensor.Role.WEIGHT, dtype, arena).toDoubles())) {
            throw new IllegalArgumentException("tied tables must be equal: " + table + ", " + second);
        }
    }

    /** The size of a dimension of an input, or of what is expected, which may alone state the length of a result. */
    long size(String tensor, int dim) {
        return find(tensor).data().size(dim);
    }

    boolean has(String tensor) {
        return tensors.containsKey(tensor) || elsewhere.containsKey(tensor);
    }

    /** A copy of an input in the arena, a floating one of the given dtype. */
    Tensor input(String tensor, DType dtype, TensorArena arena) {
        return copy(tensor, GoldenTensor.Role.INPUT, dtype, arena);
    }

    /** An input of a given shape. */
    Tensor input(String tensor, DType dtype, TensorArena arena, long... shape) {
        return checked(tensor, input(tensor, dtype, arena), shape);
    }

    /** Weights in the arena, a prefix and the foreign name of what is asked for. */
    Parameters weights(String prefix, UnaryOperator<String> toForeign, DType dtype, TensorArena arena) {
        return (parameter, shape) -> {
            String name = prefix + toForeign.apply(parameter);
            return checked(name, copy(name, GoldenTensor.Role.WEIGHT, dtype, arena), shape);
        };
    }

    /** Weights in the arena, a prefix and the place that a layout gives what is asked for. */
    Parameters placedWeights(String prefix, ForeignLayout layout, DType dtype, TensorArena arena) {
        return (parameter, shape) -> {
            ForeignLayout.Place place = layout.place(parameter);
            String name = prefix + place.name();
            Tensor whole = copy(name, GoldenTensor.Role.WEIGHT, dtype, arena);
            Tensor part = whole.rank() == shape.length ? place.view().apply(whole) : whole;
            return arena.allocate(dtype, shape).copyFrom(checked(name, part, shape));
        };
    }

    /** The shape of a tensor. */
    long[] shape(String tensor) {
        return find(tensor).data().shape();
    }

    private static Tensor checked(String name, Tensor tensor, long... shape) {
        if (!Arrays.equals(tensor.shape(), shape)) {
            throw new IllegalArgumentException("tensor " + name + " must have shape " + Arrays.toString(shape) + ": "
                    + tensor);
        }
        return tensor;
    }

    private Tensor copy(String tensor, GoldenTensor.Role role, DType dtype, TensorArena arena) {
        GoldenTensor found = find(tensor);
        if (found.role() != role) {
            throw new IllegalArgumentException("tensor " + tensor + " must have role " + role + ": role=" + found.role());
        }
        read.add(tensor);
        Tensor data = found.data();
        return arena.allocate(data.dtype().isFloating() ? dtype : data.dtype(), data.shape()).copyFrom(data);
    }

    private GoldenTensor find(String tensor) {
        GoldenTensor found = tensors.getOrDefault(tensor, elsewhere.get(tensor));
        if (found == null) {
            throw new IllegalArgumentException("tensor " + tensor + " is missing");
        }
        return found;
    }

    List<GoldenTensor> expected() {
        return tensors.values().stream().filter(t -> t.role() == GoldenTensor.Role.EXPECTED).toList();
    }

    List<GoldenTensor> references() {
        return tensors.values().stream().filter(t -> t.role() == GoldenTensor.Role.REFERENCE).toList();
    }

    /** Inputs and weights of this file that nothing asked for. */
    Set<String> unread() {
        Set<String> left = new TreeSet<>();
        tensors.values().stream().filter(t -> t.role() == GoldenTensor.Role.INPUT || t.role() == GoldenTensor.Role.WEIGHT)
                .map(GoldenTensor::name).filter(tensor -> !read.contains(tensor)).forEach(left::add);
        return left;
    }
}
