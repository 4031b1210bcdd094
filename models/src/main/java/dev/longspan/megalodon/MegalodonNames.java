package dev.longspan.megalodon;

import dev.longspan.checkpoint.NameMap;
import dev.longspan.checkpoint.NameRule;
import java.util.List;

/** Parameter names of the original's {@code state_dict}, both ways. Its copy of a tied table, {@code output.output}, has no own name. */
public final class MegalodonNames {

    /** Ours, theirs, of one layer. */
    private static final List<NameRule> LAYER = List.of(
            new NameRule("attention.norm.*", "mega.timenorm.*"),
            new NameRule("attention.ema.*", "mega.cema.*"),
            new NameRule("attention.emaNorm.weight", "mega.rmsnorm.weight"),
            new NameRule("attention.shared.*", "mega.wz.*"),
            new NameRule("attention.value.*", "mega.wv.*"),
            new NameRule("attention.gate.*", "mega.wr.*"),
            new NameRule("attention.direct.*", "mega.wh1.*"),
            new NameRule("attention.attended.*", "mega.wh2.*"),
            new NameRule("attention.*", "mega.*"),
            new NameRule("feedForward.norm.*", "nffn.norm.*"),
            new NameRule("feedForward.up.*", "nffn.fc1.*"),
            new NameRule("feedForward.down.*", "nffn.fc2.*"),
            new NameRule("feedForward.linear.*", "nffn.fc3.*"),
            new NameRule("feedForward.alpha", "nffn.alpha"));

    /** Of a {@link MegalodonBlock} alone. */
    public static final NameMap BLOCK = NameMap.rules(LAYER);

    /** Of a {@link Megalodon}. */
    public static final NameMap MAP = NameMap.rules(java.util.stream.Stream.concat(
            LAYER.stream().map(rule -> new NameRule("layers.*." + rule.own(), "layers.*." + rule.foreign())),
            java.util.stream.Stream.of(new NameRule("embedding.weight", "embed.weight"),
                    new NameRule("norm.*", "output.final_norm.*"),
                    new NameRule("output.weight", "output.output.weight"))).toList());

    private MegalodonNames() {
    }
}
