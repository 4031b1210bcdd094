package dev.longspan.verify;

import dev.longspan.autograd.Pass;
import dev.longspan.json.JsonObject;
import dev.longspan.kernel.AttentionPattern.Chunked;
import dev.longspan.kernel.AttentionPlan;
import dev.longspan.kernel.Rotary;
import dev.longspan.op.Attention;
import dev.longspan.op.Elementwise;
import dev.longspan.op.Norm;
import dev.longspan.op.Views;
import dev.longspan.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * MEGALODON's attention from the shared projection on: z_raw, gamma, beta and v to q and k before rotation, out, the keys and
 * values that an unfinished chunk leaves behind and the gradients of all.
 */
final class ChunkAttentionCase implements CaseRunner {

    private static final double EPS = 1e-5;

    @Override
    public Map<String, Values> run(GoldenCase golden, Variant variant, Machine machine) {
        JsonObject config = golden.json();
        long heads = config.integer("heads");
        int headDim = Math.toIntExact(config.integer("z_head_dim"));
        long valueDim = config.integer("v_head_dim");
        long chunk = config.integer("chunk");
        Rotary rotary = Rotary.rope(headDim, config.number("rope_base", 10000), chunk);
        AttentionPlan plan = AttentionPlan.of(new Chunked(chunk), true, 1);
        config.rejectUnread();
        Tensor raw = golden.input("z_raw", variant.dtype(), machine.arena());
        long batch = raw.size(0);
        long rows = raw.size(1);
        golden.checkSize("B", batch);
        golden.checkSize("L", rows);
        Tensor gamma = golden.input("gamma", variant.dtype(), machine.arena(), 2, heads * headDim);
        Tensor beta = golden.input("beta", variant.dtype(), machine.arena(), 2, heads * headDim);
        Tensor v = golden.input("v", variant.dtype(), machine.arena(), batch, rows, heads * valueDim);
        Map<String, Values> results = new LinkedHashMap<>();
        try (Pass pass = machine.watching()) {
            pass.watch(raw);
            pass.watch(gamma);
            pass.watch(beta);
            pass.watch(v);
            Tensor heady = Views.reshape(pass, raw, batch, rows, heads, headDim);
            Tensor z = Views.reshape(pass, Norm.rmsNorm(pass, heady, null, 0, EPS), raw.shape());
            Tensor q = affine(pass, z, gamma, beta, 0, headDim);
            Tensor k = affine(pass, z, gamma, beta, 1, headDim);
            Tensor keys = Elementwise.rotary(pass, rotary, 0, Views.reshape(pass, k, heady.shape()));
            Tensor values = Views.reshape(pass, v, batch, rows, heads, valueDim);
            Tensor out = Attention.apply(pass, plan,
                    Elementwise.rotary(pass, rotary, 0, Views.reshape(pass, q, heady.shape())), keys, values).out();
            results.put("z_norm", Values.of(z));
            results.put("q", Values.of(q));
            results.put("k", Values.of(k));
            results.put("out", Values.of(out.reshape(v.shape())));
            results.put("final_cache_k", Values.of(keys.slice(1, rows - rows % chunk, rows)));
            results.put("final_cache_v", Values.of(values.slice(1, rows - rows % chunk, rows)));
            if (golden.has("gy")) {
                GivenGradients given = new GivenGradients(pass);
                given.add(out, golden.input("gy", variant.dtype(), machine.arena(), v.shape()).reshape(out.shape()));
                results.put("loss", given.backward());
                Map.of("z_raw", raw, "gamma", gamma, "beta", beta, "v", v).forEach((name, input) ->
                        results.put("g_" + name, Values.of(pass.gradient(input))));
            }
        }
        if (golden.has("rope_cos")) {
            addAngles(rotary, Math.min(chunk, golden.size("rope_cos", 0)), results);
        }
        return results;
    }

    /** {@code z⊙(γ + 1)/√headDim + β} with row {@code which} of γ and β. */
    private static Tensor affine(Pass pass, Tensor z, Tensor gamma, Tensor beta, int which, int headDim) {
        return Norm.affine(pass, z, Views.select(pass, gamma, 0, which), Views.select(pass, beta, 0, which), 1,
                1 / Math.sqrt(headDim));
    }

    /** The rotation of each position. */
    private static void addAngles(Rotary rotary, long positions, Map<String, Values> results) {
        int pairs = rotary.headDim() / 2;
        double[] cos = new double[Math.toIntExact(positions * pairs)];
        double[] sin = new double[cos.length];
        for (int position = 0, i = 0; position < positions; position++) {
            for (int m = 0; m < pairs; m++, i++) {
                cos[i] = Math.cos(position * rotary.frequency(m));
                sin[i] = Math.sin(position * rotary.frequency(m));
            }
        }
        results.put("rope_cos", new Values(cos, new long[] {positions, pairs}));
        results.put("rope_sin", new Values(sin, new long[] {positions, pairs}));
    }
}
