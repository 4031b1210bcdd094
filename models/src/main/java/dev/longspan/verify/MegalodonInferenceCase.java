package dev.longspan.verify;

import dev.longspan.autograd.Pass;
import dev.longspan.json.JsonObject;
import dev.longspan.megalodon.Megalodon;
import dev.longspan.megalodon.MegalodonConfig;
import dev.longspan.megalodon.TruncatedMegalodon;
import dev.longspan.nn.LanguageModel;
import dev.longspan.op.Loss;
import dev.longspan.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The original's {@code inference}, with and without moments of the last chunks alone, to the loss of each token, and its
 * {@code generate}, greedy, of any number of prompts {@code genI_prompt}.
 */
final class MegalodonInferenceCase implements CaseRunner {

    /** The original's, of {@code generate}: a longer prompt loses its beginning. */
    private static final long MAX_PROMPT = 256;
    private static final long CHUNKS_AT_ONCE = 2;
    private static final long TRUNCATE_CHUNKS = 8;

    @Override
    public Map<String, Values> run(GoldenCase golden, Variant variant, Machine machine) {
        Tensor tokens = MegalodonGolden.tokens(golden, variant, machine);
        JsonObject json = golden.json();
        MegalodonConfig config = MegalodonGolden.config(json);
        json.rejectUnread();
        Megalodon model = MegalodonGolden.model(golden, config, variant, machine);
        Tensor targets = MegalodonGolden.targets(golden, tokens, variant, machine);
        Map<String, Values> results = new LinkedHashMap<>();
        results.put("nll_plain", losses(model, tokens, targets, machine));
        results.put("nll_truncated", losses(new TruncatedMegalodon(model), tokens, targets, machine));
        for (int i = 0; golden.has("gen" + i + "_prompt"); i++) {
            Tensor prompt = golden.input("gen" + i + "_prompt", variant.dtype(), machine.arena());
            long count = golden.size("gen" + i + "_out", 0);
            results.put("gen" + i + "_out", Values.of(generate(model, prompt, count, machine)));
        }
        return results;
    }

    private static Values losses(LanguageModel<?> model, Tensor tokens, Tensor targets, Machine machine) {
        try (Pass pass = machine.inferring()) {
            return Values.of(Loss.crossEntropy(pass, model.logits(pass, tokens), targets).reshape(tokens.shape()));
        }
    }

    /** Reads the prompt two whole chunks at a time and the rest, at most a chunk, at once; then one token at a time. */
    private static Tensor generate(Megalodon model, Tensor prompt, long count, Machine machine) {
        long end = prompt.size(0);
        Tensor row = prompt.slice(0, Math.max(0, end - MAX_PROMPT), end).reshape(1, Math.min(end, MAX_PROMPT));
        long chunk = model.config().chunk();
        long whole = (row.size(1) - 1) / chunk;
        MegalodonStream stream = new MegalodonStream(model, machine, 1);
        for (long c = 0; c < whole; c += CHUNKS_AT_ONCE) {
            long to = Math.min(c + CHUNKS_AT_ONCE, whole) * chunk;
            stream.read(machine.copy(row.slice(1, c * chunk, to)));
            if (to >= TRUNCATE_CHUNKS * chunk) {
                stream.recount(machine.copy(row.slice(1, to - (TRUNCATE_CHUNKS - CHUNKS_AT_ONCE) * chunk, to)));
            }
        }
        Tensor logits = stream.read(machine.copy(row.slice(1, whole * chunk, row.size(1))));
        return stream.greedy(logits, count).reshape(count);
    }
}
