package dev.longspan.verify;

import dev.longspan.autograd.Pass;
import dev.longspan.json.JsonObject;
import dev.longspan.kernel.Documents;
import dev.longspan.megalodon.Megalodon;
import dev.longspan.megalodon.MegalodonConfig;
import dev.longspan.tensor.Tensor;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.IntStream;

/** MEGALODON over packed documents, tokens and segment_ids [B, N], to the logits that each document alone gives. */
final class PackedCase implements CaseRunner {

    @Override
    public Map<String, Values> run(GoldenCase golden, Variant variant, Machine machine) {
        Tensor tokens = MegalodonGolden.tokens(golden, variant, machine);
        Tensor segments = golden.input("segment_ids", variant.dtype(), machine.arena(), tokens.shape());
        long[][] starts = IntStream.range(0, Math.toIntExact(tokens.size(0)))
                .mapToObj(b -> starts(segments.select(0, b).toLongs())).toArray(long[][]::new);
        JsonObject json = golden.json();
        MegalodonConfig config = MegalodonGolden.config(json);
        if (json.has("lens")) {
            checkLengths(json.integers("lens"), starts, tokens.size(1));
        }
        json.rejectUnread();
        Megalodon model = MegalodonGolden.model(golden, config, variant, machine);
        try (Pass pass = machine.inferring()) {
            return Map.of("logits", Values.of(model.logits(pass, tokens, Documents.of(starts))));
        }
    }

    /** Where another id stands than before. */
    private static long[] starts(long[] ids) {
        return IntStream.range(0, ids.length).filter(i -> i == 0 || ids[i] != ids[i - 1]).asLongStream().toArray();
    }

    private static void checkLengths(long[] lengths, long[][] starts, long rows) {
        for (long[] row : starts) {
            long[] actual = IntStream.range(0, row.length)
                    .mapToLong(i -> (i + 1 < row.length ? row[i + 1] : rows) - row[i]).toArray();
            if (!Arrays.equals(actual, lengths)) {
                throw new IllegalArgumentException("config.lens must be the documents' lengths: lens="
                        + Arrays.toString(lengths) + ", segment_ids=" + Arrays.toString(actual));
            }
        }
    }
}
