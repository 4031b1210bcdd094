package dev.longspan.verify;

import dev.longspan.autograd.Pass;
import dev.longspan.json.JsonObject;
import dev.longspan.kernel.AttentionPlan;
import dev.longspan.longnet.ConfigKeys;
import dev.longspan.op.Attention;
import dev.longspan.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Dilated attention alone: q, k, v and dattn to attn, lse, dq, dk and dv. */
final class CoreCase implements CaseRunner {

    @Override
    public Map<String, Values> run(GoldenCase golden, Variant variant, Machine machine) {
        Tensor q = golden.input("q", variant.dtype(), machine.arena());
        Tensor k = golden.input("k", variant.dtype(), machine.arena());
        Tensor v = golden.input("v", variant.dtype(), machine.arena());
        List<String> sizes = List.of("B", "N", "H", "D");
        for (int d = 0; d < 4; d++) {
            golden.checkSize(sizes.get(d), q.size(d));
        }
        JsonObject config = golden.json();
        AttentionPlan plan = AttentionPlan.of(
                variant.dilated(ConfigKeys.schedule(config.integers("segment_length"), config.integers("dilated_ratio"))),
                config.flag("is_causal", true), config.number("softmax_scale", 1 / Math.sqrt(q.size(3))))
                .withGradient(variant.gradient());
        config.rejectUnread();
        Map<String, Values> results = new LinkedHashMap<>();
        try (Pass pass = machine.watching()) {
            pass.watch(q);
            pass.watch(k);
            pass.watch(v);
            Attention.Result result = Attention.apply(pass, plan, q, k, v);
            results.put("attn", Values.of(result.out()));
            results.put("lse", Values.of(result.lse()));
            if (golden.has("dattn")) {
                pass.backward(result.out(), golden.input("dattn", variant.dtype(), machine.arena()));
                results.put("dq", Values.of(pass.gradient(q)));
                results.put("dk", Values.of(pass.gradient(k)));
                results.put("dv", Values.of(pass.gradient(v)));
            }
        }
        return results;
    }

    /** Endings name the variant in words; the manifest's mode says the same for the machine. */
    @Override
    public String quantity(String stem) {
        return stem.replaceFirst("_(ts|exact|fixed|paper)$", "");
    }
}
