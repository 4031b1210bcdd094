package dev.longspan.longnet;

import dev.longspan.checkpoint.NameMap;
import dev.longspan.checkpoint.NameRule;
import java.util.List;

/** Parameter names of torchscale's LongNet, both ways. Its copy of a tied table, {@code output_projection}, has no own name. */
public final class TorchscaleNames {

    /** Ours, theirs. */
    public static final NameMap MAP = NameMap.rules(List.of(
            new NameRule("embedding.weight", "embed_tokens.weight"),
            new NameRule("positions.weight", "embed_positions.weight"),
            new NameRule("embeddingNorm.*", "layernorm_embedding.*"),
            new NameRule("layers.*.attention.query.*", "layers.*.self_attn.q_proj.*"),
            new NameRule("layers.*.attention.key.*", "layers.*.self_attn.k_proj.*"),
            new NameRule("layers.*.attention.value.*", "layers.*.self_attn.v_proj.*"),
            new NameRule("layers.*.attention.out.*", "layers.*.self_attn.out_proj.*"),
            new NameRule("layers.*.attention.norm.*", "layers.*.self_attn.inner_attn_ln.*"),
            new NameRule("layers.*.attentionNorm.*", "layers.*.self_attn_layer_norm.*"),
            new NameRule("layers.*.feedForward.up.*", "layers.*.ffn.fc1.*"),
            new NameRule("layers.*.feedForward.down.*", "layers.*.ffn.fc2.*"),
            new NameRule("layers.*.feedForward.norm.*", "layers.*.ffn.ffn_layernorm.*"),
            new NameRule("layers.*.feedForwardNorm.*", "layers.*.final_layer_norm.*"),
            new NameRule("norm.*", "layer_norm.*"),
            new NameRule("output.weight", "output_projection.weight")));

    private TorchscaleNames() {
    }
}
