package dev.longspan.transformer;

import dev.longspan.checkpoint.NameMap;
import dev.longspan.checkpoint.NameRule;
import java.util.List;

/** Parameter names of {@link Bert} and its {@code pooler} in Hugging Face's {@code BertModel}, both ways. */
public final class BertNames {

    /** Ours, theirs. */
    public static final NameMap MAP = NameMap.rules(List.of(
            new NameRule("encoder.embedding.weight", "embeddings.word_embeddings.weight"),
            new NameRule("encoder.positions.weight", "embeddings.position_embeddings.weight"),
            new NameRule("encoder.embeddingNorm.*", "embeddings.LayerNorm.*"),
            new NameRule("tokenTypes.weight", "embeddings.token_type_embeddings.weight"),
            new NameRule("encoder.layers.*.attention.query.*", "encoder.layer.*.attention.self.query.*"),
            new NameRule("encoder.layers.*.attention.key.*", "encoder.layer.*.attention.self.key.*"),
            new NameRule("encoder.layers.*.attention.value.*", "encoder.layer.*.attention.self.value.*"),
            new NameRule("encoder.layers.*.attention.out.*", "encoder.layer.*.attention.output.dense.*"),
            new NameRule("encoder.layers.*.attentionNorm.*", "encoder.layer.*.attention.output.LayerNorm.*"),
            new NameRule("encoder.layers.*.feedForward.up.*", "encoder.layer.*.intermediate.dense.*"),
            new NameRule("encoder.layers.*.feedForward.down.*", "encoder.layer.*.output.dense.*"),
            new NameRule("encoder.layers.*.feedForwardNorm.*", "encoder.layer.*.output.LayerNorm.*"),
            new NameRule("pooler.*", "pooler.dense.*")));

    private BertNames() {
    }
}
