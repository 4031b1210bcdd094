package dev.longspan.verify;

import dev.longspan.autograd.Gradients;
import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Randomness;
import dev.longspan.json.JsonObject;
import dev.longspan.kernel.Activation;
import dev.longspan.rmt.Alignment;
import dev.longspan.rmt.Segment;
import dev.longspan.tensor.Tensor;
import dev.longspan.transformer.ForeignLayout;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What RMT's cases share: names, activations, alignments, gradients in the places of the released code. */
final class RmtGolden {

    private RmtGolden() {
    }

    /** Names begin with the precision here. */
    static String quantity(String stem) {
        return stem.replaceFirst("^f(32|64)\\.", "");
    }

    static Activation activation(JsonObject json) {
        String name = json.text("act");
        return switch (name) {
            case "gelu", "gelu_erf" -> Activation.GELU;
            case "gelu_new", "gelu_tanh" -> Activation.GELU_TANH;
            case "relu" -> Activation.RELU;
            case "silu" -> Activation.SILU;
            default -> throw new IllegalArgumentException("config.act must be gelu_erf, gelu_tanh, relu or silu: act=" + name);
        };
    }

    static Alignment alignment(JsonObject json, Alignment otherwise) {
        String name = json.text("alignment", otherwise.name().toLowerCase(Locale.ROOT));
        return Arrays.stream(Alignment.values()).filter(a -> a.name().toLowerCase(Locale.ROOT).equals(name)).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("config.alignment must be left, right or center: alignment="
                        + name));
    }

    static int size(JsonObject json, String key) {
        return Math.toIntExact(json.integer(key));
    }

    /** Throws IllegalArgumentException where the configuration states another number. */
    static void expect(JsonObject json, String key, long actual) {
        if (json.integer(key, actual) != actual) {
            throw new IllegalArgumentException("config." + key + " must be what the inputs give: " + key + "="
                    + json.integer(key) + ", inputs=" + actual);
        }
    }

    static Pass training(Machine machine, Gradients gradients) {
        return Pass.training(machine.backend(), machine.parallel(), machine.workspace(), gradients, Randomness.NONE);
    }

    /** Hidden states and memories of segment {@code number}, and behind the way back the gradient of what it passed on. */
    static void addSegment(Pass pass, int number, Segment segment, Map<String, Values> results) {
        String prefix = "seg" + number + ".";
        results.put(prefix + "hidden", Values.of(segment.hidden()));
        results.put(prefix + "mem_in", Values.of(segment.entering()));
        results.put(prefix + "mem_out", Values.of(segment.leaving()));
        results.put(prefix + "g_mem_out", Values.of(pass.gradient(segment.leaving())));
    }

    /** The gradients of all parameters, put together as the weights {@code w.} lie. */
    static void addGradients(GoldenCase golden, ForeignLayout layout, Map<String, Tensor> parameters, Gradients gradients,
            Machine machine, Map<String, Values> results) {
        Map<String, Tensor> whole = new LinkedHashMap<>();
        parameters.forEach((own, parameter) -> {
            ForeignLayout.Place place = layout.place(own);
            Tensor into = whole.computeIfAbsent(place.name(), name ->
                    machine.arena().allocate(parameter.dtype(), golden.shape("w." + name)));
            place.view().apply(into).copyFrom(gradients.of(parameter));
        });
        whole.forEach((name, gradient) -> results.put("g." + name, Values.of(gradient)));
    }

    /** Integers of that shape. */
    static Values integers(List<Long> values, long... shape) {
        return new Values(values.stream().mapToDouble(Long::doubleValue).toArray(), shape);
    }
}
