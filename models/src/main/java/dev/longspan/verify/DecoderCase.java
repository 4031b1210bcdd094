package dev.longspan.verify;

import dev.longspan.autograd.Pass;
import dev.longspan.longnet.ConfigKeys;
import dev.longspan.longnet.LongNet;
import dev.longspan.longnet.LongNetConfig;
import dev.longspan.longnet.TorchscaleNames;
import dev.longspan.op.Loss;
import dev.longspan.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** torchscale's {@code LongNetDecoder}: tokens and targets to logits, loss, hidden states and the gradients of all weights. */
final class DecoderCase implements CaseRunner {

    @Override
    public Map<String, Values> run(GoldenCase golden, Variant variant, Machine machine) {
        LongNetConfig config = TorchscaleGolden.config(golden, ConfigKeys.DECODER, variant);
        LongNet model = LongNet.of(config, TorchscaleGolden.weights(golden, config, variant, machine));
        Tensor tokens = golden.input("tokens", variant.dtype(), machine.arena());
        golden.checkSize("B", tokens.size(0));
        golden.checkSize("N", tokens.size(1));
        Map<String, Values> results = new LinkedHashMap<>();
        try (ModelPass run = new ModelPass(machine, model.parameters(), TorchscaleNames.MAP::toForeign)) {
            Pass pass = run.pass();
            List<Tensor> states = model.states(pass, model.embed(pass, tokens), null, 0);
            TorchscaleGolden.addStates(states, results);
            Tensor last = states.getLast();
            Tensor logits = model.logitsOf(pass, model.norm() == null ? last : model.norm().apply(pass, last));
            results.put("logits", Values.of(logits));
            if (golden.has("targets")) {
                Tensor loss = Loss.meanCrossEntropy(pass, logits,
                        golden.input("targets", variant.dtype(), machine.arena()));
                results.put("loss", Values.of(loss));
                pass.backward(loss);
                TorchscaleGolden.addGradients(run, config, results);
            } else if (golden.has("dlogits")) {
                pass.backward(logits, golden.input("dlogits", variant.dtype(), machine.arena()));
                TorchscaleGolden.addGradients(run, config, results);
            }
        }
        return results;
    }
}
