package dev.longspan.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class NameMapTest {

    private final NameMap names = NameMap.rules(List.of(
            new NameRule("layers.*.attention.query.**", "decoder.layers.*.self_attn.q_proj.**"),
            new NameRule("layers.*.**", "decoder.layers.*.**"),
            new NameRule("embedding.weight", "decoder.embed_tokens.weight")));

    @Test
    void theFirstRuleThatFitsRewritesANameBothWays() {
        Map<String, String> pairs = Map.of(
                "layers.11.attention.query.weight", "decoder.layers.11.self_attn.q_proj.weight",
                "layers.0.norm.bias", "decoder.layers.0.norm.bias",
                "embedding.weight", "decoder.embed_tokens.weight",
                "other", "other");
        pairs.forEach((own, foreign) -> {
            assertThat(names.toForeign(own)).isEqualTo(foreign);
            assertThat(names.toOwn(foreign)).isEqualTo(own);
        });
    }

    @Test
    void dotsAndDollarsOfANameAreOnlyText() {
        NameMap odd = NameMap.rules(List.of(new NameRule("a.b.*", "$1.*")));
        assertThat(odd.toForeign("a.b.c$2")).isEqualTo("$1.c$2");
        assertThat(odd.toForeign("axb.c")).isEqualTo("axb.c");
    }

    @Test
    void patternsWithDifferentWildcardsAreRefused() {
        assertThatThrownBy(() -> new NameRule("a.*", "b")).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("own=a.*, foreign=b");
        assertThatThrownBy(() -> new NameRule("a.*", "b.**")).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void twoTensorsCannotGetOneName() {
        assertThatThrownBy(() -> NameMap.of(name -> "x", name -> name).toForeign(Map.of("a", 1, "b", 2)))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("name=x");
    }
}
