package dev.longspan.verify;

import dev.longspan.json.JsonObject;
import dev.longspan.kernel.AttentionPattern.HeadOffset;
import dev.longspan.kernel.AttentionPattern.PadKeys;
import dev.longspan.kernel.AttentionPlan.Gradient;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What the manifest says of one tensor, with the tensor. */
record GoldenTensor(String name, Role role, Precision precision, HeadOffset offset, PadKeys pads,
        @Nullable Gradient gradient, Tolerance tolerance, Tensor data) {

    enum Role {
        INPUT, WEIGHT, EXPECTED, REFERENCE
    }

    static GoldenTensor of(String name, JsonObject json, Tensor data) {
        String type = json.text("dtype");
        if (data.dtype() != dtype(type) || !Arrays.equals(data.shape(), json.integers("shape"))) {
            throw new IllegalArgumentException("tensor " + name + " must be " + type
                    + Arrays.toString(json.integers("shape")) + " as the manifest says: " + data);
        }
        Role role = constant(Role.class, "role", json.text("role"));
        JsonObject mode = json.has("mode") ? json.object("mode") : JsonObject.of("mode", java.util.Map.of());
        Precision precision = constant(Precision.class, "precision", json.text("precision", "f64"));
        GoldenTensor tensor = new GoldenTensor(name, role, precision,
                constant(HeadOffset.class, "offset", mode.text("offset", "GROUPED")),
                constant(PadKeys.class, "pad", mode.text("pad", "COUNT")),
                mode.has("gradient") ? constant(Gradient.class, "gradient", mode.text("gradient")) : null,
                role == Role.EXPECTED ? Tolerance.of(json.object("tol"), precision) : Tolerance.EXACT, data);
        mode.rejectUnread();
        return tensor;
    }

    /** The name without the precision at its end. */
    String stem() {
        return name.replaceFirst("_(f32|f64|bf16)$", "");
    }

    /** How to compute it; what does not depend on the gradient's mode shares the run of one of {@code others} that does. */
    Variant variant(Machine machine, List<GoldenTensor> others) {
        Gradient mode = gradient != null ? gradient : others.stream()
                .filter(t -> machine.dtype(t.precision) == machine.dtype(precision) && t.offset == offset && t.pads == pads)
                .flatMap(t -> Stream.ofNullable(t.gradient)).findFirst().orElse(Gradient.EXACT);
        return new Variant(machine.dtype(precision), offset, pads, mode, Parts.WHOLE);
    }

    private static <E extends Enum<E>> E constant(Class<E> type, String what, String name) {
        for (E value : type.getEnumConstants()) {
            if (value.name().equals(name.toUpperCase(Locale.ROOT))) {
                return value;
            }
        }
        throw new IllegalArgumentException(what + " must be one of " + Arrays.toString(type.getEnumConstants()) + ": " + what
                + "=" + name);
    }

    private static DType dtype(String name) {
        return switch (name) {
            case "float32" -> DType.F32;
            case "float64" -> DType.F64;
            case "bfloat16" -> DType.BF16;
            case "float16" -> DType.F16;
            case "int32" -> DType.I32;
            case "int64" -> DType.I64;
            case "uint8" -> DType.U8;
            case "bool" -> DType.BOOL;
            default -> throw new IllegalArgumentException("dtype is not known: dtype=" + name);
        };
    }
}
