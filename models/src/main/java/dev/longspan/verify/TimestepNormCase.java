package dev.longspan.verify;

import dev.longspan.autograd.Pass;
import dev.longspan.json.JsonObject;
import dev.longspan.kernel.Moments;
import dev.longspan.kernel.TimestepNormPlan;
import dev.longspan.op.TimestepNorm;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * MEGALODON's {@code TimestepNorm}: x [B, L, H], weight, bias, prior and earlier moments to y, moments and the gradients of
 * all.
 */
final class TimestepNormCase implements CaseRunner {

    private static final String LOSS = "sum(y*gy)+sum(mean*gmean)+sum(var*gvar)";

    @Override
    public List<Parts> partitions(GoldenCase golden) {
        return golden.partitions();
    }

    @Override
    public Map<String, Values> run(GoldenCase golden, Variant variant, Machine machine) {
        Tensor x = golden.input("x", variant.dtype(), machine.arena());
        golden.checkSize("B", x.size(0));
        golden.checkSize("L", x.size(1));
        golden.checkSize("H", x.size(2));
        JsonObject config = golden.json().ignore(Set.of("chunks"));
        config.expect("loss", LOSS);
        long groups = config.integer("groups", x.size(2));
        long priorCount = config.integer("prior_count", 0);
        TimestepNormPlan plan = TimestepNormPlan.of(1, config.number("eps", 1e-5));
        config.rejectUnread();
        List<Tensor> xs = variant.parts().cut(x, 1, machine.arena());
        List<Tensor> paddings = !golden.has("padding_mask") ? List.of() : variant.parts().cut(
                golden.input("padding_mask", variant.dtype(), machine.arena(), x.size(0), x.size(1)), 1, machine.arena());
        Map<String, Values> results = new LinkedHashMap<>();
        try (Pass pass = machine.watching()) {
            Map<String, Tensor> watched = watched(golden, variant, machine);
            watched.values().forEach(pass::watch);
            xs.forEach(pass::watch);
            Tensor weight = watched.get("weight");
            Tensor bias = watched.get("bias");
            Moments fresh = TimestepNorm.prior(pass, groups, priorCount, watched.get("prior_mean"),
                    watched.get("prior_logv"));
            Moments start = start(golden, machine, watched);
            List<TimestepNorm.Result> steps = new ArrayList<>();
            for (int i = 0; i < xs.size(); i++) {
                steps.add(TimestepNorm.apply(pass, plan.withPadding(paddings.isEmpty() ? null : paddings.get(i)), xs.get(i),
                        weight, bias, fresh, steps.isEmpty() ? start : steps.getLast().last()));
            }
            List<Tensor> ys = steps.stream().map(TimestepNorm.Result::y).toList();
            Moments last = steps.getLast().last();
            results.put("y", Values.of(Parts.join(ys, 1, machine.arena())));
            results.put("count", Values.of(last.count()));
            results.put("mean", Values.of(last.mean()));
            results.put("var", Values.of(last.var()));
            if (golden.has("gy")) {
                GivenGradients given = new GivenGradients(pass);
                given.addParts(ys, variant.parts().cut(
                        golden.input("gy", variant.dtype(), machine.arena(), x.shape()), 1, machine.arena()));
                given.add(last.mean(), golden.input("gmean", DType.F64, machine.arena(), last.mean().shape()));
                given.add(last.var(), golden.input("gvar", DType.F64, machine.arena(), last.var().shape()));
                results.put("loss", given.backward());
                results.put("g_x", Values.of(Parts.join(xs.stream().map(pass::gradient).toList(), 1, machine.arena())));
                watched.forEach((name, tensor) -> results.put("g_" + name, Values.of(pass.gradient(tensor))));
            }
        }
        return results;
    }

    /** What can have a gradient, x aside; moments in float64 as everywhere. */
    private static Map<String, Tensor> watched(GoldenCase golden, Variant variant, Machine machine) {
        Map<String, Tensor> watched = new LinkedHashMap<>();
        for (String name : List.of("weight", "bias", "prior_mean", "prior_logv", "prev_mean", "prev_var")) {
            if (golden.has(name)) {
                DType dtype = name.startsWith("prev_") ? DType.F64 : variant.dtype();
                watched.put(name, golden.input(name, dtype, machine.arena()));
            }
        }
        return watched;
    }

    private static @Nullable Moments start(GoldenCase golden, Machine machine, Map<String, Tensor> watched) {
        Tensor mean = watched.get("prev_mean");
        Tensor var = watched.get("prev_var");
        return mean == null || var == null ? null
                : new Moments(golden.input("prev_count", DType.I64, machine.arena()), mean, var);
    }

    /** y_ref64 is y before float32; {@code orig_} are the original's own gradients, which are wrong after padding. */
    @Override
    public String quantity(String stem) {
        return stem.replaceFirst("^orig_", "").replaceFirst("_ref64$", "");
    }
}
