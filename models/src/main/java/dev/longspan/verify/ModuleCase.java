package dev.longspan.verify;

import dev.longspan.autograd.Pass;
import dev.longspan.json.JsonObject;
import dev.longspan.kernel.AttentionPlan;
import dev.longspan.kernel.Rotary;
import dev.longspan.longnet.ConfigKeys;
import dev.longspan.nn.LayerNorm;
import dev.longspan.nn.Linear;
import dev.longspan.nn.Parameters;
import dev.longspan.nn.SelfAttention;
import dev.longspan.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;

/** torchscale's {@code DilatedAttention} module: x and dout to out, dx and the gradients of its weights. */
final class ModuleCase implements CaseRunner {

    private static final Map<String, String> NAMES = Map.of("query", "q_proj", "key", "k_proj", "value", "v_proj", "out",
            "out_proj", "norm", "inner_attn_ln");

    @Override
    public Map<String, Values> run(GoldenCase golden, Variant variant, Machine machine) {
        Tensor x = golden.input("x", variant.dtype(), machine.arena());
        golden.checkSize("B", x.size(0));
        golden.checkSize("N", x.size(1));
        golden.checkSize("E", x.size(2));
        SelfAttention attention = attention(golden, variant, machine, x.size(2));
        golden.checkSize("D", x.size(2) / attention.heads());
        Map<String, Values> results = new LinkedHashMap<>();
        try (ModelPass run = new ModelPass(machine, attention.parameters(), ModuleCase::foreign)) {
            Pass pass = run.pass();
            Tensor out = attention.apply(pass, pass.watch(x), null);
            results.put("out", Values.of(out));
            if (golden.has("dout")) {
                pass.backward(out, golden.input("dout", variant.dtype(), machine.arena()));
                results.put("dx", Values.of(pass.gradient(x)));
                run.addGradients(results);
            }
        }
        return results;
    }

    private static SelfAttention attention(GoldenCase golden, Variant variant, Machine machine, long width) {
        JsonObject config = golden.json();
        int heads = golden.size("H");
        AttentionPlan plan = AttentionPlan.of(
                variant.dilated(ConfigKeys.schedule(config.integers("segment_length"), config.integers("dilated_ratio"))),
                config.flag("is_causal", true), 1 / Math.sqrt((double) width / heads)).withGradient(variant.gradient());
        double scaleBase = config.number("xpos_scale_base", 512);
        double eps = config.number("layernorm_eps", 1e-5);
        Rotary rotary = config.flag("xpos", false) ? Rotary.xpos(Math.toIntExact(width / heads), scaleBase, 1) : null;
        Parameters weights = golden.weights("w.", ModuleCase::foreign, variant.dtype(), machine.arena());
        SelfAttention attention = new SelfAttention(Linear.of(weights, "query", width, width, true),
                Linear.of(weights, "key", width, width, true), Linear.of(weights, "value", width, width, true),
                config.flag("subln", true) ? LayerNorm.of(weights, "norm", width, eps) : null,
                Linear.of(weights, "out", width, width, true), heads, rotary, plan, 0);
        config.rejectUnread();
        return attention;
    }

    private static String foreign(String own) {
        int dot = own.indexOf('.');
        return NAMES.get(own.substring(0, dot)) + own.substring(dot);
    }
}
