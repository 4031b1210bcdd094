package dev.longspan.verify;

import dev.longspan.autograd.Pass;
import dev.longspan.longnet.ConfigKeys;
import dev.longspan.longnet.LongNetConfig;
import dev.longspan.longnet.LongNetEncoder;
import dev.longspan.longnet.TorchscaleNames;
import dev.longspan.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** torchscale's {@code LongNetEncoder}: embeddings (or tokens) and denc to enc_out, demb and the gradients of all weights. */
final class EncoderCase implements CaseRunner {

    @Override
    public Map<String, Values> run(GoldenCase golden, Variant variant, Machine machine) {
        LongNetConfig config = TorchscaleGolden.config(golden, ConfigKeys.ENCODER, variant);
        LongNetEncoder model = LongNetEncoder.of(config,
                TorchscaleGolden.weights(golden, config, variant, machine),
                golden.has("w.embed_tokens.weight"));
        boolean embedded = golden.has("emb");
        Tensor input = golden.input(embedded ? "emb" : "tokens", variant.dtype(), machine.arena());
        golden.checkSize("B", input.size(0));
        golden.checkSize("N", input.size(1));
        Map<String, Values> results = new LinkedHashMap<>();
        try (ModelPass run = new ModelPass(machine, model.parameters(), TorchscaleNames.MAP::toForeign)) {
            Pass pass = run.pass();
            Tensor x = embedded ? model.scaled(pass, pass.watch(input)) : model.embed(pass, input);
            List<Tensor> states = model.states(pass, x, null, 0);
            TorchscaleGolden.addStates(states, results);
            Tensor last = states.getLast();
            Tensor out = model.outputOf(pass, model.norm() == null ? last : model.norm().apply(pass, last));
            results.put("enc_out", Values.of(out));
            if (golden.has("denc")) {
                pass.backward(out, golden.input("denc", variant.dtype(), machine.arena()));
                if (embedded) {
                    results.put("demb", Values.of(pass.gradient(input)));
                }
                TorchscaleGolden.addGradients(run, config, results);
            }
        }
        return results;
    }
}
