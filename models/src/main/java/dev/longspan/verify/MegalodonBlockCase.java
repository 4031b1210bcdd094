package dev.longspan.verify;

import dev.longspan.autograd.Pass;
import dev.longspan.json.JsonObject;
import dev.longspan.megalodon.MegalodonBlock;
import dev.longspan.megalodon.MegalodonConfig;
import dev.longspan.megalodon.MegalodonNames;
import dev.longspan.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** The original's {@code MegaBlock}: x and gy to y, g_x and the gradients of all weights. */
final class MegalodonBlockCase implements CaseRunner {

    /** Its place in the model decides what alpha starts from, and alpha is given. */
    private static final Set<String> WITHOUT_EFFECT = Set.of("layer_id");

    @Override
    public Map<String, Values> run(GoldenCase golden, Variant variant, Machine machine) {
        JsonObject json = golden.json().ignore(WITHOUT_EFFECT);
        MegalodonConfig config = MegalodonGolden.config(json);
        json.rejectUnread();
        Tensor x = golden.input("x", variant.dtype(), machine.arena());
        golden.checkSize("B", x.size(0));
        golden.checkSize("L", x.size(1));
        MegalodonBlock block = MegalodonBlock.of(config,
                golden.weights("p.", MegalodonNames.BLOCK::toForeign, variant.dtype(), machine.arena()));
        Map<String, Values> results = new LinkedHashMap<>();
        try (ModelPass run = new ModelPass(machine, block.parameters(), MegalodonNames.BLOCK::toForeign)) {
            Pass pass = run.pass();
            Tensor y = block.apply(pass, pass.watch(x));
            results.put("y", Values.of(y));
            if (golden.has("gy")) {
                GivenGradients given = new GivenGradients(pass);
                given.add(y, golden.input("gy", variant.dtype(), machine.arena(), y.shape()));
                results.put("loss", given.backward());
                results.put("g_x", Values.of(pass.gradient(x)));
                run.addGradients(results);
            }
        }
        return results;
    }
}
