package dev.longspan.verify;

import dev.longspan.json.JsonObject;
import dev.longspan.megalodon.Megalodon;
import dev.longspan.megalodon.MegalodonConfig;
import dev.longspan.megalodon.MegalodonKeys;
import dev.longspan.megalodon.MegalodonNames;
import dev.longspan.op.Loss;
import dev.longspan.tensor.Tensor;
import java.util.Map;

/** What MEGALODON's cases share: the original's configuration under {@code cfg}, its weights under {@code p.}, its targets. */
final class MegalodonGolden {

    /** The original's target that takes no part. */
    private static final long IGNORED = -100;

    private static final String TABLE = "embed.weight";
    private static final String TIED = "output.output.weight";

    private MegalodonGolden() {
    }

    /** The model's configuration without dropout, as evaluation mode runs it; every key of {@code cfg} must be known. */
    static MegalodonConfig config(JsonObject json) {
        return MegalodonKeys.read(json.object("cfg").values()).withDropouts(MegalodonConfig.Dropouts.NONE);
    }

    static Megalodon model(GoldenCase golden, MegalodonConfig config, Variant variant, Machine machine) {
        if (config.tiedOutput()) {
            golden.checkTied("p." + TABLE, "p." + TIED, variant.dtype(), machine.arena());
        }
        return Megalodon.of(config, golden.weights("p.", MegalodonNames.MAP::toForeign, variant.dtype(), machine.arena()));
    }

    /** What is known of the embedding table under a prefix is known of a tied output table. */
    static void addTied(MegalodonConfig config, String prefix, Map<String, Values> results) {
        Values table = results.get(prefix + TABLE);
        if (config.tiedOutput() && table != null) {
            results.put(prefix + TIED, table);
        }
    }

    /** Targets [B, L] of tokens [B, L]. */
    static Tensor targets(GoldenCase golden, Tensor tokens, Variant variant, Machine machine) {
        Tensor targets = golden.input("targets", variant.dtype(), machine.arena(), tokens.shape());
        long[] ids = targets.toLongs();
        for (int i = 0; i < ids.length; i++) {
            ids[i] = ids[i] == IGNORED ? Loss.IGNORED : ids[i];
        }
        return targets.set(ids);
    }

    /** Tokens [B, L], whose sizes the configuration may state. */
    static Tensor tokens(GoldenCase golden, Variant variant, Machine machine) {
        Tensor tokens = golden.input("tokens", variant.dtype(), machine.arena());
        golden.checkSize("B", tokens.size(0));
        golden.checkSize("L", tokens.size(1));
        return tokens;
    }
}
