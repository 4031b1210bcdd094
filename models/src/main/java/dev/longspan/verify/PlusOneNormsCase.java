package dev.longspan.verify;

import dev.longspan.autograd.Pass;
import dev.longspan.json.JsonObject;
import dev.longspan.nn.Layer;
import dev.longspan.nn.PlusOneLayerNorm;
import dev.longspan.nn.PlusOneRmsNorm;
import dev.longspan.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.BiFunction;

/** MEGALODON's norms with weights stored minus one: x and gy to outputs and gradients, {@code rms_} and {@code ln_}. */
final class PlusOneNormsCase implements CaseRunner {

    @Override
    public Map<String, Values> run(GoldenCase golden, Variant variant, Machine machine) {
        JsonObject config = golden.json();
        double eps = config.number("eps", 1e-5);
        config.rejectUnread();
        PlusOneRmsNorm rms = new PlusOneRmsNorm(golden.input("rms_weight", variant.dtype(), machine.arena()), eps);
        PlusOneLayerNorm layer = new PlusOneLayerNorm(golden.input("ln_weight", variant.dtype(), machine.arena()),
                golden.input("ln_bias", variant.dtype(), machine.arena()), eps);
        Map<String, Values> results = new LinkedHashMap<>();
        Tensor x = golden.input("x", variant.dtype(), machine.arena());
        Tensor gy = golden.input("gy", variant.dtype(), machine.arena());
        run("rms_", rms, rms::apply, x, gy, machine, results);
        run("ln_", layer, layer::apply, x, gy, machine, results);
        return results;
    }

    private static void run(String prefix, Layer norm, BiFunction<Pass, Tensor, Tensor> apply, Tensor x, Tensor gy,
            Machine machine, Map<String, Values> results) {
        try (Pass pass = machine.watching()) {
            norm.parameters().values().forEach(pass::watch);
            Tensor y = apply.apply(pass, pass.watch(x));
            results.put(prefix + "y", Values.of(y));
            pass.backward(y, gy);
            results.put(prefix + "g_x", Values.of(pass.gradient(x)));
            norm.parameters().forEach((name, parameter) ->
                    results.put(prefix + "g_" + name, Values.of(pass.gradient(parameter))));
        }
    }
}
