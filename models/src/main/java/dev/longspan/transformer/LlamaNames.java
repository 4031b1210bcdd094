package dev.longspan.transformer;

import dev.longspan.checkpoint.NameMap;
import dev.longspan.checkpoint.NameRule;
import java.util.List;

/** Parameter names of Hugging Face's {@code LlamaForCausalLM}, both ways. Its weights are for RoPE on halves. */
public final class LlamaNames {

    /** Ours, theirs. */
    public static final NameMap MAP = NameMap.rules(List.of(
            new NameRule("embedding.weight", "model.embed_tokens.weight"),
            new NameRule("layers.*.attentionNorm.weight", "model.layers.*.input_layernorm.weight"),
            new NameRule("layers.*.attention.query.weight", "model.layers.*.self_attn.q_proj.weight"),
            new NameRule("layers.*.attention.key.weight", "model.layers.*.self_attn.k_proj.weight"),
            new NameRule("layers.*.attention.value.weight", "model.layers.*.self_attn.v_proj.weight"),
            new NameRule("layers.*.attention.out.weight", "model.layers.*.self_attn.o_proj.weight"),
            new NameRule("layers.*.feedForwardNorm.weight", "model.layers.*.post_attention_layernorm.weight"),
            new NameRule("layers.*.feedForward.gate.weight", "model.layers.*.mlp.gate_proj.weight"),
            new NameRule("layers.*.feedForward.up.weight", "model.layers.*.mlp.up_proj.weight"),
            new NameRule("layers.*.feedForward.down.weight", "model.layers.*.mlp.down_proj.weight"),
            new NameRule("norm.weight", "model.norm.weight"),
            new NameRule("output.weight", "lm_head.weight")));

    private LlamaNames() {
    }
}
