package dev.longspan.verify;

import dev.longspan.autograd.Pass;
import dev.longspan.json.JsonObject;
import dev.longspan.kernel.ScanPlan;
import dev.longspan.nn.ComplexEma;
import dev.longspan.op.Elementwise;
import dev.longspan.op.Scan;
import dev.longspan.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** MEGALODON's {@code MultiHeadComplexEMA}: x [B, D, L], parameters and hx to y, h_last and the gradients of all. */
final class CemaCase implements CaseRunner {

    private static final String LOSS = "sum(y*gy)+sum(h.re*gh.re+h.im*gh.im)";

    @Override
    public List<Parts> partitions(GoldenCase golden) {
        return golden.partitions();
    }

    @Override
    public Map<String, Values> run(GoldenCase golden, Variant variant, Machine machine) {
        Tensor x = golden.input("x", variant.dtype(), machine.arena());
        Tensor hx = golden.has("hx") ? golden.input("hx", variant.dtype(), machine.arena()) : null;
        Function<String, Tensor> parameter = name -> golden.input(name, variant.dtype(), machine.arena());
        ComplexEma ema = new ComplexEma(parameter.apply("alpha"), parameter.apply("delta"), parameter.apply("theta"),
                parameter.apply("gamma"), parameter.apply("omega"));
        check(golden, x, ema, hx != null);
        Map<String, Values> results = new LinkedHashMap<>();
        try (Pass pass = machine.watching()) {
            ema.parameters().values().forEach(pass::watch);
            Scan.Coefficients coefficients = ema.coefficients(pass);
            Tensor start = hx == null ? null : Scan.importState(pass, coefficients, pass.watch(hx));
            List<Tensor> xs = variant.parts().cut(x.transpose(1, 2), 1, machine.arena());
            List<Scan.Result> steps = new ArrayList<>();
            for (Tensor part : xs) {
                steps.add(ema.apply(pass, ScanPlan.forward(), coefficients, pass.watch(part),
                        steps.isEmpty() ? start : steps.getLast().last()));
            }
            List<Tensor> ys = steps.stream().map(Scan.Result::y).toList();
            Tensor last = Scan.exportState(pass, coefficients, steps.getLast().last());
            results.put("y", Values.of(Parts.join(ys, 1, machine.arena()).transpose(1, 2)));
            results.put("h_last", Values.of(last));
            if (golden.has("gy")) {
                GivenGradients given = new GivenGradients(pass);
                Tensor gy = golden.input("gy", variant.dtype(), machine.arena(), x.shape()).transpose(1, 2);
                given.addParts(ys, variant.parts().cut(gy, 1, machine.arena()));
                if (golden.has("gh")) {
                    given.add(last, golden.input("gh", variant.dtype(), machine.arena(), last.shape()));
                }
                results.put("loss", given.backward());
                ema.parameters().forEach((name, tensor) -> results.put("g_" + name, Values.of(pass.gradient(tensor))));
                results.put("g_x", Values.of(Parts.join(xs.stream().map(pass::gradient).toList(), 1, machine.arena())
                        .transpose(1, 2)));
                if (hx != null) {
                    results.put("g_hx", Values.of(pass.gradient(hx)));
                }
            }
        }
        try (Pass pass = machine.inferring()) {
            addCoefficients(pass, ema, x, hx, results);
        }
        return results;
    }

    /** What the original computes on its way: p, q, γ/√n, the impulse's response and what is left of hx. */
    private static void addCoefficients(Pass pass, ComplexEma ema, Tensor x, @Nullable Tensor hx,
            Map<String, Values> results) {
        Scan.Coefficients coefficients = ema.coefficients(pass);
        results.put("coef_p", Values.of(coefficients.p().transpose(0, 1)));
        results.put("coef_q", Values.of(coefficients.q().transpose(0, 2).transpose(1, 2)));
        results.put("coef_gamma_scaled", Values.of(Elementwise.scale(pass, 1 / Math.sqrt(ema.modes()), ema.gamma())));
        Tensor none = pass.zeros(x.dtype(), ema.omega().shape());
        Tensor impulse = pass.zeros(x.dtype(), 1, x.size(2), x.size(1));
        impulse.slice(1, 0, 1).fill(1);
        results.put("kernel", Values.of(Scan.cema(pass, ScanPlan.forward(), coefficients, none, impulse, null).y()
                .select(0, 0).transpose(0, 1)));
        if (hx != null) {
            Tensor silence = pass.zeros(x.dtype(), x.size(0), x.size(2), x.size(1));
            results.put("bias_from_hx", Values.of(Scan.cema(pass, ScanPlan.forward(), coefficients, none, silence,
                    Scan.importState(pass, coefficients, hx)).y().transpose(1, 2)));
        }
    }

    private static void check(GoldenCase golden, Tensor x, ComplexEma ema, boolean started) {
        golden.checkSize("B", x.size(0));
        golden.checkSize("D", x.size(1));
        golden.checkSize("L", x.size(2));
        golden.checkSize("N", ema.modes());
        JsonObject config = golden.json().ignore(Set.of("chunks"));
        if (config.flag("with_hx", started) != started) {
            throw new IllegalArgumentException("config.with_hx must say whether there is hx: with_hx=" + !started);
        }
        config.expect("loss", LOSS);
        config.rejectUnread();
    }
}
