package dev.longspan.verify;

import dev.longspan.autograd.Gradients;
import dev.longspan.autograd.Pass;
import dev.longspan.json.JsonObject;
import dev.longspan.megalodon.Megalodon;
import dev.longspan.megalodon.MegalodonConfig;
import dev.longspan.megalodon.MegalodonNames;
import dev.longspan.nn.Layer;
import dev.longspan.op.Loss;
import dev.longspan.optim.AdamW;
import dev.longspan.optim.Clip;
import dev.longspan.optim.Schedule;
import dev.longspan.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The original's training loop: tokens [steps, B, N + 1], each the target of the one before, to loss, norm of the gradients
 * before clipping and learning rate of each step, and the weights after the last.
 */
final class MegalodonTrainingCase implements CaseRunner {

    /** The original's settings of AdamW, clipping and schedule, with its defaults. */
    private record Optimizer(AdamW.Settings adamW, double clip, Schedule schedule) {

        static Optimizer of(JsonObject optim, long steps) {
            Optimizer optimizer = new Optimizer(new AdamW.Settings(optim.number("beta1", 0.9), optim.number("beta2", 0.98),
                    optim.number("epsilon", 1e-8), optim.number("weight_decay", 0.1), name -> true),
                    optim.number("clip", 1), RatioSchedule.of(optim, steps));
            optim.rejectUnread();
            return optimizer;
        }
    }

    @Override
    public Map<String, Values> run(GoldenCase golden, Variant variant, Machine machine) {
        JsonObject json = golden.json();
        MegalodonConfig config = MegalodonGolden.config(json);
        Optimizer optimizer = Optimizer.of(json.object("optim"), json.integer("total_steps"));
        json.rejectUnread();
        Megalodon model = MegalodonGolden.model(golden, config, variant, machine);
        Tensor tokens = golden.input("tokens", variant.dtype(), machine.arena());
        int steps = Math.toIntExact(tokens.size(0));
        double[] losses = new double[steps];
        double[] norms = new double[steps];
        double[] rates = new double[steps];
        Map<String, Tensor> parameters = model.parameters();
        AdamW adamW = new AdamW(optimizer.adamW, parameters, machine.arena());
        Gradients gradients = new Gradients(machine.arena(), parameters.values());
        for (int step = 0; step < steps; step++) {
            gradients.zero();
            losses[step] = loss(model, gradients, tokens.select(0, step), machine);
            norms[step] = Clip.norm(machine.backend(), machine.parallel(), gradients, Layer.distinct(parameters));
            rates[step] = optimizer.schedule.at(step);
            adamW.step(machine.backend(), machine.parallel(), gradients, rates[step],
                    Clip.factor(norms[step], optimizer.clip), step + 1L);
        }
        Map<String, Values> results = new LinkedHashMap<>();
        results.put("loss", new Values(losses, new long[] {steps}));
        results.put("grad_norm", new Values(norms, new long[] {steps}));
        results.put("lr", new Values(rates, new long[] {steps}));
        parameters.forEach((name, parameter) ->
                results.put("final." + MegalodonNames.MAP.toForeign(name), Values.of(parameter)));
        MegalodonGolden.addTied(config, "final.", results);
        return results;
    }

    /** Adds to the gradients of {@code tokens} [B, N + 1]. */
    private static double loss(Megalodon model, Gradients gradients, Tensor tokens, Machine machine) {
        long rows = tokens.size(1) - 1;
        Tensor input = machine.copy(tokens.slice(1, 0, rows));
        Tensor targets = machine.copy(tokens.slice(1, 1, rows + 1));
        try (Pass pass = machine.training(gradients)) {
            Tensor loss = Loss.meanCrossEntropy(pass, model.logits(pass, input), targets);
            pass.backward(loss);
            return loss.item();
        }
    }
}
