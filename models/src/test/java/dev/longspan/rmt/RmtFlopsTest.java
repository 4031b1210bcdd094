package dev.longspan.rmt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

/** Figure 3 of arXiv 2304.11062. */
class RmtFlopsTest {

    private static final long TOKENS = 4096 * 512;

    private static double ratio(String model, boolean withEmbedding) {
        RmtFlops flops = RmtFlops.named(model);
        return flops.forward(TOKENS, withEmbedding) / flops.recurrent(TOKENS, 512, 512, withEmbedding);
    }

    @Test
    void fullAttentionTakesThePapers295And29TimesTheFlops() {
        assertThat(ratio("OPT-125M", false)).isCloseTo(294.8, within(0.05));
        assertThat(ratio("OPT-175B", false)).isCloseTo(29.3, within(0.05));
        assertThat(ratio("OPT-125M", true)).isCloseTo(228.7, within(0.05));
        assertThat(ratio("OPT-175B", true)).isCloseTo(29.2, within(0.05));
    }

    @Test
    void aModelMayBeGivenByItsSizes() {
        assertThat(ratio("50272/12/768/3072/12", false)).isEqualTo(ratio("OPT-125M", false));
        // One layer, one head, width 1, two tokens: 12 + 8 + 12 + 8 + 4 + 8 and 12 for the logits of three tokens.
        assertThat(RmtFlops.named("3/1/1/1/1").forward(2, false)).isEqualTo(12 + 8 + 12 + 8 + 4 + 8 + 12);
        assertThatIllegalArgumentException().isThrownBy(() -> RmtFlops.named("OPT-3B"))
                .withMessageContaining("OPT-175B or V/L/d/f/h: preset=OPT-3B");
        assertThatIllegalArgumentException().isThrownBy(() -> RmtFlops.named("1/2/3/4/x"))
                .withMessage("sizes must be whole numbers V/L/d/f/h: preset=1/2/3/4/x");
        assertThatIllegalArgumentException().isThrownBy(() -> RmtFlops.named("1/0/3/4/5")).withMessageContaining("layers=0");
    }

    @Test
    void aSegmentThatIsNotFullCostsAsMuchAsOneThatIs() {
        RmtFlops opt = RmtFlops.OPT.getFirst();
        assertThat(opt.recurrent(500, 499, 512, false)).isEqualTo(2 * opt.forward(512, false));
        assertThatIllegalArgumentException().isThrownBy(() -> opt.recurrent(500, 512, 499, false))
                .withMessageContaining("perSegment=512, rows=499");
    }
}
