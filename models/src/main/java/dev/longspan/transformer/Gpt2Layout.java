package dev.longspan.transformer;

import dev.longspan.checkpoint.NameMap;
import dev.longspan.checkpoint.NameRule;
import dev.longspan.tensor.Tensor;
import java.util.List;

/**
 * Where Hugging Face's {@code GPT2Model} keeps the parameters of our decoder: weights of {@code Conv1D} are [in, out], ours
 * [out, in]; those of queries, keys and values stand side by side in {@code c_attn}.
 */
public final class Gpt2Layout {

    public static final ForeignLayout LAYOUT = Gpt2Layout::place;

    private static final List<String> FUSED = List.of(".query.", ".key.", ".value.");

    private static final NameMap NAMES = NameMap.rules(List.of(
            new NameRule("embedding.weight", "wte.weight"),
            new NameRule("positions.weight", "wpe.weight"),
            new NameRule("layers.*.attentionNorm.*", "h.*.ln_1.*"),
            new NameRule("layers.*.attention.query.*", "h.*.attn.c_attn.*"),
            new NameRule("layers.*.attention.key.*", "h.*.attn.c_attn.*"),
            new NameRule("layers.*.attention.value.*", "h.*.attn.c_attn.*"),
            new NameRule("layers.*.attention.out.*", "h.*.attn.c_proj.*"),
            new NameRule("layers.*.feedForwardNorm.*", "h.*.ln_2.*"),
            new NameRule("layers.*.feedForward.up.*", "h.*.mlp.c_fc.*"),
            new NameRule("layers.*.feedForward.down.*", "h.*.mlp.c_proj.*"),
            new NameRule("norm.*", "ln_f.*"),
            new NameRule("output.weight", "lm_head.weight")));

    private Gpt2Layout() {
    }

    private static ForeignLayout.Place place(String parameter) {
        String name = NAMES.toForeign(parameter);
        boolean turned = name.contains(".c_") && name.endsWith(".weight");
        int third = FUSED.indexOf(FUSED.stream().filter(parameter::contains).findFirst().orElse(""));
        return new ForeignLayout.Place(name, whole -> {
            Tensor part = third < 0 ? whole : third(whole, third);
            return turned ? part.transpose(0, 1) : part;
        });
    }

    private static Tensor third(Tensor whole, int number) {
        long size = whole.size(-1) / 3;
        if (whole.size(-1) != 3 * size) {
            throw new IllegalArgumentException("c_attn must hold queries, keys and values of one width: c_attn=" + whole);
        }
        return whole.slice(-1, number * size, (number + 1) * size);
    }
}
