package dev.longspan.verify;

import dev.longspan.autograd.Pass;
import dev.longspan.json.JsonObject;
import dev.longspan.megalodon.Megalodon;
import dev.longspan.megalodon.MegalodonConfig;
import dev.longspan.megalodon.MegalodonNames;
import dev.longspan.megalodon.MegalodonState;
import dev.longspan.op.Loss;
import dev.longspan.op.Scan;
import dev.longspan.tensor.Tensor;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/**
 * The original's {@code Mega}: tokens and targets to logits, loss and the gradients of all weights; streamed in parts to the
 * same logits, to what its caches hold then and to a greedy continuation.
 */
final class MegalodonModelCase implements CaseRunner {

    @Override
    public List<Parts> partitions(GoldenCase golden) {
        int rows = Math.toIntExact(golden.size("tokens", 1));
        List<Parts> partitions = new ArrayList<>(List.of(Parts.WHOLE, new Parts(Collections.nCopies(rows, 1L))));
        partitions.addAll(golden.streamed());
        return partitions;
    }

    @Override
    public Map<String, Values> run(GoldenCase golden, Variant variant, Machine machine) {
        Tensor tokens = MegalodonGolden.tokens(golden, variant, machine);
        JsonObject json = golden.json();
        MegalodonConfig config = MegalodonGolden.config(json);
        json.expect("loss", "mean cross entropy");
        json.rejectUnread();
        Megalodon model = MegalodonGolden.model(golden, config, variant, machine);
        Map<String, Values> results = new LinkedHashMap<>();
        MegalodonStream stream = new MegalodonStream(model, machine, tokens.size(0));
        List<Tensor> logits = variant.parts().cut(tokens, 1, machine.arena()).stream().map(stream::read).toList();
        results.put("logits", Values.of(Parts.join(logits, 1, machine.arena())));
        addCaches(model, stream.state(), machine, results);
        if (golden.has("greedy")) {
            results.put("greedy", Values.of(stream.greedy(logits.getLast(), golden.size("greedy", 1))));
        }
        if (variant.parts().equals(Parts.WHOLE)) {
            train(golden, model, tokens, variant, machine, results);
        }
        return results;
    }

    private static void train(GoldenCase golden, Megalodon model, Tensor tokens, Variant variant, Machine machine,
            Map<String, Values> results) {
        try (ModelPass run = new ModelPass(machine, model.parameters(), MegalodonNames.MAP::toForeign)) {
            Pass pass = run.pass();
            Tensor logits = model.logits(pass, tokens);
            results.put("logits", Values.of(logits));
            if (golden.has("targets")) {
                Tensor loss = Loss.meanCrossEntropy(pass, logits, MegalodonGolden.targets(golden, tokens, variant, machine));
                results.put("loss", Values.of(loss.item()));
                pass.backward(loss);
                run.addGradients(results);
                MegalodonGolden.addTied(model.config(), "g.", results);
            }
        }
    }

    /** The state under the original's names: rotated keys and values of the current chunk, moments, averages h. */
    private static void addCaches(Megalodon model, MegalodonState state, Machine machine, Map<String, Values> results) {
        Map<String, Tensor> held = state.tensors();
        long kept = state.position() % model.config().chunk();
        for (int i = 0; i < model.layers().size(); i++) {
            String from = "layers." + i + ".";
            String to = "cache." + i + ".";
            results.put(to + "k", Values.of(rows(held, from + "cache.branches.0.", ".keys", kept, machine)));
            results.put(to + "v", Values.of(rows(held, from + "cache.branches.0.", ".values", kept, machine)));
            results.put(to + "kcount", new Values(new double[] {kept}, new long[] {1}));
            addMoments(held, from, to, results);
            try (Pass pass = machine.inferring()) {
                Scan.Coefficients coefficients = model.layers().get(i).attention().ema().coefficients(pass);
                results.put(to + "cema_h", Values.of(Scan.exportState(pass, coefficients, get(held, from + "average"))));
            }
        }
        addMoments(held, "", "cache.out.", results);
    }

    private static void addMoments(Map<String, Tensor> held, String from, String to, Map<String, Values> results) {
        for (String what : List.of("count", "mean", "var")) {
            Tensor moment = held.get(from + "norm." + what);
            if (moment != null) {
                results.put(to + "ts_" + what, Values.of(moment));
            }
        }
    }

    /** The first rows of a cache that lies in pages. */
    private static Tensor rows(Map<String, Tensor> held, String prefix, String suffix, long count, Machine machine) {
        Map<Integer, Tensor> pages = new TreeMap<>();
        held.forEach((name, tensor) -> {
            if (name.startsWith(prefix) && name.endsWith(suffix)) {
                pages.put(Integer.valueOf(name.substring(prefix.length(), name.length() - suffix.length())), tensor);
            }
        });
        return Parts.join(List.copyOf(pages.values()), 1, machine.arena()).slice(1, 0, count);
    }

    private static Tensor get(Map<String, Tensor> held, String name) {
        return Objects.requireNonNull(held.get(name), name);
    }
}
